"""The report and the ways about it: its sections, jumping, searching; or a word on why there is none."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from localsynth.tui.choosing import ChoiceDialog
from localsynth.tui.plain import line, one_line

from .page import NARROWEST, Page
from .view import ReportView

__all__ = ["Reading"]

_SECTIONS = 36  # cells, as in the style below
_FROM = 110  # cells; as wide as that, there is room for a list of the sections


class Reading(Vertical):
    """Shows a page, or says why there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "jump", "Jump", id="report.jump", tooltip="Jump to a section of the report"),
        Binding("slash", "search", "Search", id="report.search", key_display="/"),
        Binding("n", "next_found(1)", "Next found", show=False, id="report.next_found"),
        Binding("N", "next_found(-1)", "Previous found", show=False, id="report.previous_found"),
        Binding("right_square_bracket", "step(1)", "Next section", show=False, id="report.next_section"),
        Binding(
            "left_square_bracket", "step(-1)", "Previous section", show=False, id="report.previous_section"
        ),
        Binding("escape", "leave_search", "Leave the search", show=False, id="report.leave_search"),
    ]
    DEFAULT_CSS = """
    Reading { height: 1fr; }
    Reading #sections { width: 36; height: 1fr; display: none; padding: 0; }
    Reading.-room.-page #sections { display: block; }
    Reading ReportView { height: 1fr; display: none; }
    Reading.-page ReportView { display: block; }
    Reading #nothing { height: 1fr; padding: 1 2; }
    Reading.-page #nothing { display: none; }
    Reading #search { display: none; border: none; height: 1; background: $panel; }
    Reading.-searching #search { display: block; }
    """

    class Resized(Message):
        """The width is another: the lines are to be made for it."""

    def __init__(self) -> None:
        super().__init__()
        self._width = 0

    def compose(self) -> ComposeResult:
        """The sections beside the report, and a field below them."""
        with Horizontal():
            sections = OptionList(id="sections", classes="panel", markup=False)
            sections.border_title = "Sections"
            yield sections
            with Vertical():
                view = ReportView()
                view.add_class("panel")
                view.border_title = "Report"
                yield view
                with VerticalScroll(id="nothing", classes="panel") as nothing:
                    nothing.border_title = "Report"
                    yield Static(id="why", markup=False)
        yield Input(placeholder="search the report", id="search", compact=True)

    def on_resize(self, event: events.Resize) -> None:
        """A list of sections where there is room; lines are made for a width."""
        self.set_class(event.size.width >= _FROM, "-room")
        if self.width != self._width:
            self._width = self.width
            self.post_message(self.Resized())

    @property
    def view(self) -> ReportView:
        """The lines."""
        return self.query_one(ReportView)

    @property
    def width(self) -> int:
        """Cells that a line of the report may take."""
        room = self.size.width - (_SECTIONS if self.has_class("-room") else 0)
        return max(room - 6, NARROWEST)  # borders, padding, a scroll bar

    def show_page(self, made: Page, *, from_top: bool) -> None:
        """Another report; or the same one in other lines, where one reads on."""
        self.remove_class("-searching")
        if not self.has_class("-page"):
            self.add_class("-page")
            self.view.focus()
            self.screen.refresh_bindings()
        self.view.show(made, from_top=from_top)
        sections = self.query_one("#sections", OptionList)
        sections.clear_options()
        sections.add_options([Option(line(section.title)) for section in made.sections])
        self._reached(made.section_at(round(self.view.scroll_y)))

    def show_nothing(self, why: Text) -> None:
        """There is no report."""
        self.remove_class("-page", "-searching")
        self.query_one("#why", Static).update(why)
        self.query_one("#nothing").focus()
        self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to search where there is no report."""
        if action in {"jump", "step", "search", "next_found"} and not self.has_class("-page"):
            return False
        if action == "leave_search" and not (
            self.has_class("-searching") or self.query_one("#sections").has_focus
        ):
            return False
        return super().check_action(action, parameters)

    # --- sections ----------------------------------------------------------------------------------------------------

    @on(ReportView.SectionReached)
    def _section_reached(self, event: ReportView.SectionReached) -> None:
        self._reached(event.number)

    def _reached(self, number: int) -> None:
        sections = self.query_one("#sections", OptionList)
        if not sections.has_focus and number < sections.option_count:
            sections.highlighted = number

    @on(OptionList.OptionSelected, "#sections")
    def _section_chosen(self, event: OptionList.OptionSelected) -> None:
        self.view.focus()
        self.view.jump(event.option_index)

    def action_jump(self) -> None:
        """Choose a section to read."""
        view = self.view
        choices = [(line(section.title), number) for number, section in enumerate(view.page.sections)]
        here = view.page.section_at(round(view.scroll_y))
        self.app.push_screen(ChoiceDialog("Jump to", choices, chosen=here), self._jumped)

    def _jumped(self, number: int | None) -> None:
        if number is not None:
            self.view.jump(number)

    def action_step(self, step: int) -> None:
        """The next section, or the one before."""
        self.view.jump(max(self.view.page.section_at(round(self.view.scroll_y)) + step, 0))

    # --- searching ---------------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Type what to look for."""
        self.add_class("-searching")
        self.query_one("#search", Input).focus()

    @on(Input.Submitted, "#search")
    def _searched(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_leave_search()
        self._tell_found(*self.view.search(event.value))

    def action_next_found(self, step: int) -> None:
        """The next place of what was searched, or the one before."""
        self._tell_found(*self.view.next_found(step))

    def _tell_found(self, number: int, count: int) -> None:
        words = self.query_one("#search", Input).value
        self.view.border_subtitle = f"found: {number:,} of {count:,}" if count else ""
        if not count:
            said = f"'{one_line(words)}' is not in this report" if words else "nothing is searched: press /"
            self.notify(said, markup=False)

    def action_leave_search(self) -> None:
        """Back to the report."""
        self.remove_class("-searching")
        self.view.focus()
