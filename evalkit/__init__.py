"""evalkit: may this fine-tuned model replace my long prompt?"""
