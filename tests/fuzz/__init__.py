"""Every decoder of the program against inputs that nobody meant: recorded ones, mutated by a seed.

Whatever comes in, a decoder gives a value that is in what came, or an error of the kinds that it documents, in bounded time and memory.
"""
