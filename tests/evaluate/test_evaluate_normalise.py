"""Declared normalisers: when two ways of writing a value are the same value."""

from datetime import date
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_mw.evaluate.fields import dates, decimals
from shadow_mw.evaluate.fields.judge import judge
from shadow_mw.evaluate.fields.rules import canonical, compile_rules, read_rules, unused
from shadow_mw.exceptions import ConfigError

LOCALES = get_args(decimals.Locale)


def outcome(truth, output, **rule):
    rules = compile_rules(read_rules({"f": rule}))
    return dict(judge({"f": truth}, {"f": output}, rules))["f"]


@pytest.mark.parametrize(
    ("locale", "text", "amount"),
    [
        (None, "1234.56", "1234.56"),
        (None, "1,234.56", None),
        (None, "1.234,56", None),
        (None, ".5", "0.5"),
        ("en", "1,234.56", "1234.56"),
        ("en", "1234.56", "1234.56"),
        ("en", "1.234,56", None),
        ("en", "1,23.56", None),
        ("en", "12,34", None),
        ("en", "1,234", "1234"),
        ("de", "1.234,56", "1234.56"),
        ("de", "1234,56", "1234.56"),
        ("de", "1,234.56", None),
        ("de", "1.234", "1234"),
        ("de", "9.00", None),
        ("fr", "1 234,56", "1234.56"),
        ("fr", "1234,56", "1234.56"),
        ("fr", "1.234,56", None),
        ("ch", "1'234.56", "1234.56"),
        ("ch", "1\u2019234.56", "1234.56"),
        ("in", "1,00,234.56", "100234.56"),
        ("in", "100,234.56", None),
        ("en", "RM9.00", "9"),
        ("en", "RM 9.00", "9"),
        ("en", "$9.00", "9"),
        ("en", "US$ 9.00", "9"),
        ("en", "9.00 EUR", "9"),
        ("en", "Rs. 9", "9"),
        ("de", "9,00 \u20ac", "9"),
        ("en", "-RM 0.02", "-0.02"),
        ("en", "RM -0.02", "-0.02"),
        ("en", "\u22120.02", "-0.02"),
        ("en", "-RM-0.02", None),
        ("en", "9.00-", None),
        ("en", "(9.00)", None),
        ("en", "5k", None),
        ("en", "5 kg", None),
        ("en", "9%", None),
        ("en", "1e3", None),
        ("en", "9.00 9.00", None),
        ("en", "\u0661\u0662", None),
        ("en", "", None),
    ],
)
def test_an_amount_is_read_by_its_declared_locale_alone(locale, text, amount):
    found = decimals.parse(text, locale)
    assert found == (None if amount is None else Decimal(amount))


def test_the_two_ways_to_write_a_thousand_are_equal_only_by_declared_locale():
    english, german = "1,234.56", "1.234,56"
    assert outcome(english, german) == "wrong_value"
    assert outcome(english, german, normalise="decimal") == "wrong_value"
    for locale in LOCALES:
        assert outcome(english, german, normalise="decimal", locale=locale) == "wrong_value"
    assert outcome("1234.56", english, normalise="decimal") == "wrong_value"
    assert outcome("1234.56", english, normalise="decimal", locale="en") == "correct"
    assert outcome(Decimal("1234.56"), german, normalise="decimal", locale="de") == "correct"


@pytest.mark.parametrize("truth", [1, "1", "1.00", Decimal("1.0")])
def test_true_is_no_number_whatever_is_declared(truth):
    for rule in ({}, {"normalise": "decimal", "locale": "en"}, {"normalise": "identifier"}):
        assert outcome(truth, True, **rule) == "wrong_value"
        assert outcome(True, truth, **rule) == "wrong_value"
        assert outcome(True, True, **rule) == "correct"


def test_a_number_equals_its_text_only_as_an_amount():
    assert outcome("9.00", Decimal("9.00")) == "wrong_value"
    assert outcome("9.00", 9, normalise="decimal") == "correct"
    assert outcome("RM9.00", Decimal("9.0"), normalise="decimal") == "correct"
    assert outcome("9.00", "9.01", normalise="decimal") == "wrong_value"


@given(st.decimals("-99999999", "99999999", places=2), st.sampled_from(LOCALES))
def test_what_a_locale_writes_it_reads(amount, locale):
    plain = f"{abs(amount):.2f}"
    whole, _, fraction = plain.partition(".")
    thousands, point = {
        "en": (",", "."), "de": (".", ","), "fr": (" ", ","), "ch": ("'", "."), "in": (",", "."),
    }[locale]  # fmt: skip
    groups = _groups(whole, 2 if locale == "in" else 3)
    written = ("-" if amount < 0 else "") + thousands.join(groups) + point + fraction
    assert decimals.parse(written, locale) == amount


def _groups(digits, size):
    groups = [digits[-3:]]
    rest = digits[:-3]
    while rest:
        groups.append(rest[-size:])
        rest = rest[:-size]
    return groups[::-1]


@pytest.mark.parametrize(
    ("order", "text", "day"),
    [
        (None, "2018-03-04", "2018-03-04"),
        (None, "2018/3/4", "2018-03-04"),
        (None, "20180304", "2018-03-04"),
        (None, "25032018", "2018-03-25"),
        (None, "03/04/2018", None),
        (None, "03/03/2018", "2018-03-03"),
        (None, "25/12/2018", "2018-12-25"),
        (None, "12/25/2018", "2018-12-25"),
        (None, "12-01-19", None),
        (None, "25/12/18", None),
        (None, "05 MAR 2018", "2018-03-05"),
        (None, "05-Mar-18", "2018-03-05"),
        (None, "OCT 3, 2016", "2016-10-03"),
        (None, "October 3rd, 2016", "2016-10-03"),
        (None, "02/JAN/2017", "2017-01-02"),
        (None, "Sept. 9, 2017", "2017-09-09"),
        (None, "2017 Jan 2", "2017-01-02"),
        ("dmy", "03/04/2018", "2018-04-03"),
        ("mdy", "03/04/2018", "2018-03-04"),
        ("ymd", "03/04/2018", None),
        ("dmy", "12-01-19", "2019-01-12"),
        ("mdy", "12-01-19", "2019-12-01"),
        ("ymd", "12-01-19", "2012-01-19"),
        ("dmy", "12/25/2018", None),
        ("dmy", "2018-03-04", "2018-03-04"),
        ("dmy", "31.12.69", "1969-12-31"),
        ("dmy", "31.12.68", "2068-12-31"),
        ("dmy", "29/02/2019", None),
        ("dmy", "03/04-2018", None),
        ("dmy", "3/4/218", None),
        ("dmy", "01/01/1817", None),
        ("dmy", "25/12/2018 8:13:39 PM", None),
        ("dmy", "5 Mai 2018", None),
        ("dmy", "", None),
    ],
)
def test_a_date_is_read_by_its_declared_order_or_where_only_one_reading_is_possible(
    order, text, day
):
    assert dates.parse(text, order) == (None if day is None else date.fromisoformat(day))


def test_the_third_of_april_is_the_fourth_of_march_only_where_that_is_declared():
    for output in ("2018-04-03", "2018-03-04", "04/03/2018"):
        assert outcome("03/04/2018", output) == "wrong_value"
        assert outcome("03/04/2018", output, normalise="date") == "wrong_value"
    assert outcome("03/04/2018", "2018-04-03", normalise="date", order="dmy") == "correct"
    assert outcome("03/04/2018", "2018-03-04", normalise="date", order="dmy") == "wrong_value"
    assert outcome("03/04/2018", "2018-03-04", normalise="date", order="mdy") == "correct"
    assert outcome("03/04/2018", "04/03/2018", normalise="date", order="dmy") == "wrong_value"


@given(st.dates(date(1969, 1, 1), date(2068, 12, 31)))
def test_every_shape_of_a_date_is_that_date(day):
    for order, shape in (("dmy", "%d/%m/%Y"), ("dmy", "%d-%m-%y"), ("mdy", "%m/%d/%y")):
        assert dates.parse(day.strftime(shape), order) == day
    for shape in ("%Y-%m-%d", "%Y%m%d", "%d%m%Y", "%d %b %Y", "%b %d, %Y", "%d-%B-%y"):
        assert dates.parse(day.strftime(shape), None) == day


@pytest.mark.parametrize(
    ("rule", "truth", "output", "expected"),
    [
        ({"normalise": "text"}, "ACME  Ltd.", "acme ltd.", "correct"),
        ({"normalise": "text"}, "ACME Ltd.", "ACME Ltd", "wrong_value"),
        ({"normalise": "text"}, "STRASSE", "stra\u00dfe", "correct"),
        ({"normalise": "identifier"}, "MY 12-34.A", "my1234a", "correct"),
        ({"normalise": "identifier"}, "0012", "12", "wrong_value"),
        ({"normalise": "identifier"}, "12", 12, "correct"),
        ({"normalise": "identifier"}, 12, Decimal("12.0"), "correct"),
        ({"normalise": "identifier"}, 0, Decimal("0.0"), "correct"),
        ({"normalise": "identifier"}, 12, Decimal("12.5"), "wrong_value"),
        ({"normalise": "identifier"}, 12, Decimal("1e9999999"), "wrong_value"),
        ({"normalise": "identifier"}, "--/", "***", "wrong_value"),
        ({"normalise": "enum", "values": ["paid", "open"]}, "paid", " PAID ", "correct"),
        ({"normalise": "enum", "values": ["paid", "open"]}, "paid", "open", "wrong_value"),
        ({"normalise": "enum", "values": ["paid", "open"]}, "other", "OTHER", "wrong_value"),
        ({"normalise": "free_text"}, "A b", "a  B", "correct"),
        ({"normalise": "free_text"}, "A b", "about A and b", "not_labelled"),
        ({"normalise": "free_text"}, "A b", "n/a", "missed"),
        ({"normalise": "free_text"}, None, "A b", "hallucinated"),
    ],
)
def test_each_normaliser_folds_what_it_says_and_no_more(rule, truth, output, expected):
    assert outcome(truth, output, **rule) == expected


@pytest.mark.parametrize(
    ("path", "entry", "words"),
    [
        (
            "f",
            {"normalise": "fuzzy"},
            "[fields.f] normalise = 'fuzzy': accepted is 'exact', 'text'",
        ),
        ("f", {"normalize": "text"}, "[fields.f] normalize is not known; accepted: normalise,"),
        ("f", {"locale": "en"}, '[fields.f] locale goes with normalise = "decimal"'),
        ("f", {"normalise": "decimal", "locale": "xx"}, "locale = 'xx': accepted is 'en', 'de'"),
        ("f", {"normalise": "date", "order": "dym"}, "order = 'dym': accepted is 'dmy', 'mdy'"),
        ("f", {"normalise": "enum"}, 'normalise = "enum" needs values'),
        ("f", {"list": "keyed"}, 'list = "keyed" needs by'),
        ("f", {"list": "set", "by": ["a"]}, 'by goes with list = "keyed"'),
        ("f", {"list": "keyed", "by": ["a[].b"]}, "by = 'a[].b' goes into a list"),
        ("f", {"list": "set", "normalise": "text"}, 'declare one for its items, as "items[]"'),
        ("vendor", {"name": {"normalise": "text"}}, 'quote a nested path: "vendor.name"'),
        ("items[0].q", {}, "[fields.\"items[0].q\"] 'items[0].q' is not a field path; accepted"),
        ("items[]q", {}, "is not a field path"),
        ("[]", {}, "is not a field path"),
        ("a..b", {}, "is not a field path"),
        ("a.", {}, "is not a field path"),
        ("", {}, "is not a field path"),
    ],
)
def test_a_wrong_rule_is_one_line_that_says_what_is_accepted(path, entry, words):
    with pytest.raises(ConfigError) as error:
        read_rules({path: entry})
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_rule_holds_at_its_path_and_nowhere_else():
    rules = compile_rules(
        read_rules(
            {"vendor.name": {"normalise": "text"}, 'rows[]."a.b"': {"normalise": "identifier"}}
        )
    )
    truth = {"name": "A", "vendor": {"name": "A"}, "rows": [{"a.b": "1-2", "c": "1-2"}]}
    output = {"name": "a", "vendor": {"name": "a"}, "rows": [{"a.b": "12", "c": "12"}]}
    assert judge(truth, output, rules) == [
        ("name", "wrong_value"),
        ("vendor.name", "correct"),
        ('rows[]."a.b"', "correct"),
        ("rows[].c", "wrong_value"),
    ]


def test_the_canonical_form_of_rules_changes_only_with_what_they_say():
    def of(table):
        return canonical(read_rules(table))

    decimal = {"normalise": "decimal", "locale": "en"}
    assert of({"a": decimal, "b": {}}) == of({"b": {"normalise": "exact"}, "a": decimal})
    assert of({"a": decimal}) == of({"a": dict(reversed(decimal.items()))})
    assert len({of({}), of({"a": decimal}), of({"b": decimal}), of({"a": {"list": "set"}})}) == 4


def test_a_rule_that_no_field_uses_is_named():
    rules = read_rules({"total": {}, "items": {"list": "set"}, "itmes[].q": {}})
    assert unused(rules, ["total", "items[].q"]) == ["itmes[].q"]
