"""Fine-tuning jobs: their files checked, their queue, and the process that trains."""
