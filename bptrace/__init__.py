"""bptrace shows backpropagation number by number and proves every number right."""

__version__ = "0.1.0"
