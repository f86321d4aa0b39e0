"""Kernels use no name that is a keyword, a type or a built-in function on any vendor's platform.

A name that is free in OpenCL C 1.2 may be a keyword elsewhere: `channel` on Intel's platforms for FPGAs, `pipe` from
OpenCL C 2.0 on, `new` where kernels are compiled as C++ for OpenCL. Run with the files of kernels as arguments.
"""

import re
import sys
import unittest
from pathlib import Path

# Keywords that the kernels are not to hold at all: of later versions of OpenCL C and C, of C++ for OpenCL, of vendors.
KEYWORDS = """
pipe generic global local constant private kernel read_only write_only read_write uniform complex imaginary
__pipe __generic __read_only __write_only __read_write _Complex _Imaginary _Atomic _Generic _Noreturn _Alignas _Alignof
_Static_assert _Thread_local _Bool alignas alignof asm auto catch char8_t char16_t char32_t class co_await co_return
co_yield concept consteval constexpr constinit const_cast addrspace_cast decltype delete dynamic_cast explicit export extern
friend goto inline mutable namespace new noexcept nullptr operator override private protected public register
reinterpret_cast requires restrict static_assert static_cast template this thread_local throw try typeid typename typeof
union using virtual volatile wchar_t and and_eq bitand bitor compl not not_eq or or_eq xor xor_eq
channel channels_altera __shared__ __device__ __global__ __host__ threadgroup near far linux unix i386
""".split()

# Types that the kernels do not use, whose names are taken all the same.
TYPES = re.compile(
    r"""(char|uchar|short|ushort|int|uint|long|ulong|float|double|half|quad|bool)(2|3|4|8|16)
    |(float|double)\d+x\d+|image(1d|2d|3d)\w*_t|sampler_t|event_t|queue_t|ndrange_t|clk_event_t|reserve_id_t|clk_profiling_info
    |u?intptr_t|ptrdiff_t|atomic_\w+|memory_order\w*|memory_scope\w*|cl_mem_fence_flags|kernel_enqueue_flags_t
    |quad|double|unsigned|signed""",
    re.VERBOSE,
)

# Families of names that belong to the language, to SPIR-V or to a vendor.
FAMILIES = re.compile(
    r"""(as|convert)_(u?(char|short|int|long)|float|double|half|bool)\w*|v(load|store)a?(_half)?\d*(_r\w\w)?|(native|half)_(cos|divide|exp\w*|
    log\w*|powr|recip|rsqrt|sin|sqrt|tan)|atom(ic)?_\w+|(sub_group|work_group|intel_sub_group)_\w+|get_(global|local|group|num|work|
    image|pipe|sub|enqueued|max|default|kernel|fence)\w*|(read|write)_(image\w*|pipe|channel\w*|mem_fence)|async_work_group_\w+|
    (amd|arm|intel|nv|qcom|xcl|altera|img|pocl|spirv|cl|clk|khr)_\w+|\w+_(intel|altera|amd|arm|nv|qcom|xilinx|ext|khr|EXT|KHR)|__\w+|_[A-Z]\w*|
    CL_\w+|CLK_\w+|Op[A-Z]\w+""",
    re.VERBOSE | re.DOTALL,
)

# Built-in functions: to be called, not to be used for anything else.
FUNCTIONS = """
acos acosh acospi asin asinh asinpi atan atan2 atanh atanpi atan2pi cbrt ceil copysign cos cosh cospi erfc erf exp exp2 exp10
expm1 fabs fdim floor fma fmax fmin fmod fract frexp hypot ilogb ldexp lgamma lgamma_r log log2 log10 log1p logb mad maxmag
minmag modf nan nextafter pow pown powr remainder remquo rint rootn round rsqrt sin sincos sinh sinpi sqrt tan tanh tanpi
tgamma trunc abs abs_diff add_sat hadd rhadd clamp clz ctz mad_hi mad_sat max min mul_hi rotate sub_sat upsample popcount
mad24 mul24 degrees mix radians step smoothstep sign cross dot distance length normalize fast_distance fast_length
fast_normalize isequal isnotequal isgreater isgreaterequal isless islessequal islessgreater isfinite isinf isnan isnormal
isordered isunordered signbit any all bitselect select barrier mem_fence prefetch wait_group_events shuffle shuffle2 printf
vec_step is_valid_reserve_id commit_read_pipe commit_write_pipe enqueue_kernel enqueue_marker retain_event release_event
create_user_event set_user_event_status is_valid_event capture_event_profiling_info to_global to_local to_private
""".split()

# What the kernels may hold of the above: the language that they are written in.
OWN = set(
    """__kernel __global __local __private __constant __attribute__ INTEGER_HALVES
    float2 float4 float8 float16 int16 uint16 convert_float convert_float16 convert_uint16
    as_uint as_float as_uint16 as_float16 vload16 vstore16 vload_half vload_half16
    get_global_id get_local_id get_group_id CLK_LOCAL_MEM_FENCE""".split()
)


def tokens(text):
    """Words and signs of OpenCL C without comments, strings and the names of directives."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r'"[^"\n]*"', " ", text)
    text = re.sub(r"^[ \t]*#[ \t]*(pragma[^\n]*|\w+)", " ", text, flags=re.MULTILINE)
    return re.findall(r"\.?0[xX][\w.+-]+|\.?\d[\w.]*|[A-Za-z_]\w*|->|\S", text)


def offences(text):
    """Names that somebody may have taken, and how they are used."""
    found = set()
    words = ["", *tokens(text), ""]
    for before, word, after in zip(words, words[1:], words[2:]):
        if not re.fullmatch(r"[A-Za-z_]\w*", word) or word in OWN:
            continue
        if word in KEYWORDS or TYPES.fullmatch(word) or FAMILIES.fullmatch(word):
            found.add(word)
        elif word in FUNCTIONS:
            # A type before it makes `word(` a definition instead of a call.
            defined = re.fullmatch(r"[A-Za-z_]\w*", before) and before != "return"
            if after != "(" or defined:
                found.add(word)
    return found


class ReservedWords(unittest.TestCase):
    def test_the_kernels(self):
        self.assertGreater(len(FILES), 5)
        for file in FILES:
            self.assertEqual(offences(file.read_text()), set(), file)

    def test_what_is_found(self):
        for text, names in (
            ("for (int channel = 0; channel < 3; ++channel) sum += p.in_channels;", {"channel"}),
            ("int pipe = 0, step = 1;", {"pipe", "step"}),
            ("float length(int i) { return step(a, b) * min(a, b); }", {"length"}),
            ("int new, sub_group_size; half4 x;", {"new", "sub_group_size", "half4"}),
            ("float read_channel_intel; int __mine, _Mine;", {"read_channel_intel", "__mine", "_Mine"}),
            ("// channel\n/* pipe */ __kernel void f(__global float *y) { y[0] = min(1.0f, 0x1p-24f); }", set()),
            ("#define channel 3", {"channel"}),
            ("x = p.length;", {"length"}),
        ):
            self.assertEqual(offences(text), names, text)


if __name__ == "__main__":
    FILES = [Path(file) for file in sys.argv[1:]]
    unittest.main(argv=sys.argv[:1])
