"""Fine-tuning of a GGUF model by LoRA in a child process. Only here are torch, transformers and peft imported."""
