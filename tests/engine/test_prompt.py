"""Chat templates: people's text stays apart from the template's special tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.contracts import Message
from localsynth.core.errors import ModelError
from localsynth.engine.prompt import ChatTemplate, Piece

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
NO_SYSTEM = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "<turn>{{ m.content | trim }}</turn>{% endfor %}<turn>"
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["system", "user"]), st.text(min_size=1, max_size=30)),
        min_size=1,
        max_size=4,
    )
)
def test_every_text_comes_back_whole_and_never_special(turns: list[tuple[str, str]]) -> None:
    messages = [Message(role, text) for role, text in turns]  # type: ignore[arg-type]
    pieces = ChatTemplate(CHATML, "", "").render(messages)
    assert [piece.text for piece in pieces if not piece.special] == [text for _, text in turns]
    assert pieces[-1] == Piece("<|im_end|>\n<|im_start|>assistant\n", True)


def test_a_model_without_system_role_reads_it_in_the_first_message() -> None:
    pieces = ChatTemplate(NO_SYSTEM, "<s>", "</s>").render(
        [Message("system", "Be brief."), Message("user", "Hi")]
    )
    assert "".join(piece.text for piece in pieces) == "<s><turn>Be brief.\n\nHi</turn><turn>"


def test_no_template_means_bare_text() -> None:
    assert ChatTemplate(None, "", "").render([Message("user", "a"), Message("user", "b")]) == [
        Piece("a\n\nb\n\n", False)
    ]


@pytest.mark.parametrize(
    "source", ["{% for %}", "{{ raise_exception('never') }}", "{{ messages[7].content }}"]
)
def test_a_broken_template_is_told(source: str) -> None:
    with pytest.raises(ModelError, match="template"):
        ChatTemplate(source, "", "").render([Message("user", "x")])


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append('x') }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
    ],
)
def test_a_template_cannot_reach_out_of_its_sandbox(source: str) -> None:
    with pytest.raises(ModelError):
        ChatTemplate(source, "", "").render([Message("user", "x")])
