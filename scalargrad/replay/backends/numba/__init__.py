"""The fast backend: an interpreter of programs that numba compiles."""
