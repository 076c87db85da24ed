"""Numbers as people type them: what is read, exactly, and what is refused, with a message."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction as Q

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.errors import BadInput
from simlab.exact import array, integer, rational, sequence, to_float

READ = {
    "9/10": Q(9, 10),
    "0.999": Q(999, 1000),
    "1e-3": Q(1, 1000),
    "1e6": Q(10**6),
    "-2": Q(-2),
    "+2": Q(2),
    "0": Q(0),
    "1.": Q(1),
    "1.50": Q(3, 2),
    "-1.5E+2": Q(-150),
    "6/4": Q(3, 2),
    "-1/3": Q(-1, 3),
    "007": Q(7),
    "0/5": Q(0),
    "1e400": Q(10) ** 400,
    "1e-9999": Q(10) ** -9999,
    "0.1": Q(1, 10),
}
REFUSED = [
    "",
    " ",
    "1 ",
    " 1",
    "1 000",
    "1_0",
    "1,5",
    "٣",
    "１",
    "½",
    "1\n",
    "\t1",
    "1\x00",  # the digits are not ASCII
    "1+1",
    "2*3",
    "2**3",
    "(1)",
    "__import__('os')",
    "os.system('x')",
    "0x10",
    "1j",
    "True",
    "None",
    "1/0",
    "1/0.5",
    "0.5/2",
    "1e3/2",
    "1/2/3",
    "1/-2",
    "--1",
    "+-1",
    "1e",
    "e3",
    ".5",
    ".",
    "1e1.5",
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "1e99999",
    "1e-99999",
    "9" * 1001,
    "1/" + "9" * 1000,
    None,
    True,
    False,
    math.nan,
    math.inf,
    [1],
    {},
    b"1",
    1j,
    np.float32(0.5),
    object(),
]


@pytest.mark.parametrize(("text", "value"), READ.items())
def test_what_is_read(text, value):
    assert rational(text) == value


@pytest.mark.parametrize("text", REFUSED, ids=lambda v: repr(v)[:20])
def test_what_is_refused(text):
    """BadInput, with the parameter's name and no more of a long text than a line shows."""
    with pytest.raises(BadInput, match="beta2") as error:
        rational(text, "beta2")
    assert len(str(error.value)) < 250


@given(st.fractions())
def test_fractions_make_the_round_trip(q):
    assert rational(str(q)) == q
    assert rational(q) == q


@given(st.integers())
def test_integers_make_the_round_trip(n):
    assert rational(str(n)) == rational(n) == n
    assert integer(str(n), low=min(n, 0)) == n


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=12))
def test_decimals_are_exact(d):
    assert rational(str(d)) == Q(d)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_its_shortest_decimal(x):
    """0.1 means 1/10, and the double that it came from is the nearest one."""
    assert rational(x) == Q(Decimal(repr(x)))
    assert to_float(rational(x)) == x


@given(
    st.text(max_size=12)
    | st.text("0123456789+-./eE_ ٣", max_size=12)
    | st.from_regex(r"[+-]?[0-9٣]{1,3}([./][0-9]{1,3})?(e-?[0-9])?\s?", fullmatch=True)  # so that many are numbers
)
def test_any_text_is_a_number_or_an_error_for_people(text):
    """What is read is plain ASCII, without blanks, and Python's Fraction reads the same."""
    try:
        value = rational(text)
    except BadInput:
        return
    assert text.isascii()
    assert not set(text) & set(" _\t\n")
    assert value == Q(text)


def test_text_that_could_hang_is_refused_at_once():
    """The exponent has at most four digits and the text at most 1000 characters, so nothing here is slow."""
    assert rational("1e9999").numerator == 10**9999
    for text in ("9**9**9**9", "1e999999999", "9" * 10**6):
        with pytest.raises(BadInput):
            rational(text)


def test_floats_of_large_fractions():
    assert to_float(Q(10) ** 400) == math.inf
    assert to_float(-(Q(10) ** 400)) == -math.inf
    assert to_float(Q(1, 3)) == 1 / 3


@pytest.mark.parametrize(
    ("text", "low", "value"),
    [
        ("1e6", 1, 10**6),
        ("4/2", 1, 2),
        (3, 1, 3),
        (3.0, 1, 3),
        ("-5", -5, -5),
    ],
)
def test_integers(text, low, value):
    found = integer(text, "C", low)
    assert found == value
    assert isinstance(found, int)


@pytest.mark.parametrize("text", ["1/2", "0", "-1", 2.5, "1e-1", "three"])
def test_what_is_no_integer(text):
    with pytest.raises(BadInput, match="C must be"):
        integer(text, "C")


def test_sequences():
    assert sequence("-1,2,0*48") == (Q(-1), Q(2)) + (Q(0),) * 48
    assert sequence("1/2*2, 3") == (Q(1, 2), Q(1, 2), Q(3))
    assert sequence("5") == (Q(5),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,",
        ",1",
        "1,,2",
        "1*",
        "*2",
        "1*0",
        "1*-1",
        "1*1.5",
        "1*2*3",
        "1;2",
        "a*2",
        "0*10000001",
        "0*9000000,0*9000000",
    ],
)
def test_what_is_no_sequence(text):
    with pytest.raises(BadInput):
        sequence(text)


def test_arrays():
    """A number, a vector and a matrix, as text or as nested Python numbers, to the depth that is allowed."""
    assert array("3", "H", 2) == Q(3)
    assert array("1,10", "H", 2) == (Q(1), Q(10))
    assert array("2*2", "H", 1) == (Q(2), Q(2))
    assert array("2,1;1,2", "H", 2) == ((Q(2), Q(1)), (Q(1), Q(2)))
    assert array([[2, "1/3"], [0.1, 2]], "H", 2) == ((Q(2), Q(1, 3)), (Q(1, 10), Q(2)))
    assert array((1, 2), "x0", 1) == (Q(1), Q(2))


@pytest.mark.parametrize(
    ("value", "depth"),
    [
        ("1,2", 0),
        ("1*2", 0),
        ("a", 1),
        ("1,0;0,2", 1),
        ("1,2;3", 2),
        ((1, 2), 0),
        (((1, 2),), 1),
        (((1, 2), (3,)), 2),
        (((1, 2), 3), 2),
        ((), 1),
        (((), ()), 2),
    ],
)
def test_what_is_no_array(value, depth):
    with pytest.raises(BadInput, match="x0"):
        array(value, "x0", depth)
