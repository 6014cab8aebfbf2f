"""What the two extractors know: the labels each has learnt, and what values look like."""

from __future__ import annotations

import re

_MONTH = r"[^\W\d_]{3,10}\.?"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
DATE_SHAPE = (
    rf"(?:{_DAY}(?P<mark>[./-]){_DAY}(?P=mark)(?:\d{{4}}|\d{{2}})|\d{{4}}[./-]\d{{1,2}}[./-]{_DAY}"
    rf"|{_DAY}[.]?[ /-]{_MONTH}[ /-]\d{{2,4}}|{_MONTH} {_DAY}, \d{{4}})(?!\d)"
)
AMOUNT_SHAPE = r"-?\d{1,3}(?:[., ]\d{3})*[.,]\d{2}(?!\d)|-?\d+[.,]\d{2}(?!\d)"
CURRENCY_SHAPE = r"(?:[€£$]|\b(?:EUR|GBP|USD|MYR|CHF)\b|\bRM(?=[\s\d]|$))"

DATE = re.compile(rf"(?P<value>{DATE_SHAPE})", re.IGNORECASE)
ANY_DATE = re.compile(rf"(?<![\d/.-]){DATE_SHAPE}", re.IGNORECASE)
AMOUNT = re.compile(rf"(?:{CURRENCY_SHAPE}\s?)?(?P<value>{AMOUNT_SHAPE})")
AMOUNTS = re.compile(AMOUNT_SHAPE)
CODE = re.compile(r"(?P<value>[A-Z0-9][\w/\-.]*\d[\w/\-]*)", re.IGNORECASE)
TAX_NUMBER = re.compile(r"(?P<value>(?:[A-Z]{2} ?)?[A-Z]?-?\d[\d /-]{5,}(?:B\d\d)?)(?![A-Za-z])")
CURRENCY = re.compile(CURRENCY_SHAPE)
RUN = re.compile(r"(?<![\d.,/-])(?:\d{9}|\d{11,12})(?![\d.,/-])")

SUFFIX = re.compile(
    r"\b(?:sdn\.?\s*bhd|s/b|bhd|ltd|limited|llp|plc|inc|llc|corp|gmbh|ag|kg|ug|sarl|sas|sa|"
    r"s\.l|s\.a|sl|b\.?v|v\.o\.f|enterprise|trading)\b\.?",
    re.IGNORECASE,
)
STRICT_SUFFIX = re.compile(
    r"\b(?:sdn\.? bhd|ltd|limited|plc|llp|inc|llc|corp|gmbh|ag|ug|sarl|sas|sa|s\.l|s\.a|b\.?v)"
    r"\b\.?",
    re.IGNORECASE,
)

TITLES = re.compile(
    r"^\W*(?:(?:simplified )?tax invoice|(?:statement / )?[il]nv[o0][il]ce|cash (?:bill|sales?)"
    r"|receipt|rechnung|facture|factura|factuur|original|copy|page\b.*|tel\b.*)\W*$",
    re.IGNORECASE,
)
RECIPIENT = re.compile(
    r"^\W*(?:bill to|invoice to|sold to|rechnung an|facturé à|client|kunde)\b", re.IGNORECASE
)
MANY_RECIPIENTS = re.compile(
    r"^\W*(?:b[il1][l1]{2} to|invoice to|s[o0][l1]d to|ship to|rechnung an|rechnungsempfänger|kunde"
    r"|factur[ée] [àa]|client|destinataire|facturar a|cliente|factuur aan|klant|attention|m/s)\b",
    re.IGNORECASE,
)

STRICT_LABELS: dict[str, tuple[str, ...]] = {
    "invoice_number": (
        "invoice no", "invoice number", "invoice #", "inv no", "document no", "rechnungsnummer",
        "rechnungsnr", "rechnung nr", "facture n°", "factura nº", "factuurnummer",
    ),
    "date": (
        "invoice date", "date", "date of issue", "rechnungsdatum", "datum", "bill date", "fecha",
        "date de facture", "factuurdatum",
    ),
    "due_date": (
        "due date", "payment due", "fällig am", "zahlbar bis", "échéance", "vencimiento",
        "vervaldatum",
    ),
    "order_number": (
        "po number", "purchase order", "your order no", "bestellnummer", "bon de commande",
        "pedido nº", "ordernummer",
    ),
    "vendor_tax_id": (
        "gst id", "gst id no", "gst no", "gst reg no", "vat reg no", "vat no", "tax id", "ein",
        "vat registration number", "ust idnr", "ust id", "n° tva", "btw nummer", "nif",
    ),
    "total": (
        "total", "total due", "amount due", "grand total", "total incl gst", "total payable",
        "invoice total", "balance due", "gesamtbetrag", "rechnungsbetrag", "zu zahlen", "total ttc",
        "net à payer", "total factura", "totaal", "te betalen",
    ),
}  # fmt: skip
"""The common labels, each without a second meaning."""

MANY_LABELS: dict[str, tuple[str, ...]] = {
    "invoice_number": (
        *STRICT_LABELS["invoice_number"], "inv no", "our ref", "document no", "doc no", "bill no",
        "bill #", "rechnung nr", "beleg nr", "rgnr", "facture n°", "n° de facture", "numéro",
        "réf facture", "factura nº", "nº factura", "número de factura", "factuurnummer",
        "factuurnr", "factuur",
    ),
    "date": (
        *STRICT_LABELS["date"], "date of issue", "tax point", "issued", "billing date",
        "ausstellungsdatum", "leipzig, den", "date de facture", "date d'émission", "émise le",
        "fecha", "fecha de factura", "fecha emisión", "factuurdatum",
    ),
    "due_date": (
        *STRICT_LABELS["due_date"], "please pay by", "net due", "zahlbar bis", "fälligkeit",
        "échéance", "date d'échéance", "à régler avant le", "vencimiento", "fecha vencimiento",
        "vervaldatum",
    ),
    "order_number": (
        *STRICT_LABELS["order_number"], "cust po", "p.o. #", "p.o. no", "order ref", "auftragsnr",
        "ihre bestellung", "bon de commande", "votre commande", "n° commande", "pedido nº",
        "su pedido", "ordernummer",
    ),
    "vendor_tax_id": (
        *STRICT_LABELS["vendor_tax_id"], "gst", "gst reg", "gst ref no", "vat registration number",
        "v.a.t. no", "vat id", "federal tax id", "fein", "tin", "ust id", "umsatzsteuer id",
        "steuernummer", "st nr", "tva intracommunautaire", "n° tva intracom", "cif", "n.i.f",
        "btw nr", "btw id", "tax reg id cbp",
    ),
}  # fmt: skip
"""What a fine-tune on many suppliers picks up."""

TOTAL_RANKS: tuple[tuple[str, ...], ...] = (
    (
        "total rounded", "rounded total", "net total rounded", "total amt rounded", "final total",
        "total after adj incl gst", "rounded total (rm)",
    ),
    (
        "grand total", "total due", "amount due", "balance due", "total payable", "invoice total",
        "total amt payable", "nett total", "net total", "balance to pay", "please pay",
        "total amount", "rechnungsbetrag", "gesamtbetrag", "zu zahlen", "endbetrag",
        "summe brutto", "net à payer", "total ttc", "total à payer", "total a pagar",
        "importe total", "total factura", "te betalen", "factuurbedrag", "totaal incl btw",
    ),
    (
        "total incl vat", "total incl gst", "total inclusive gst", "total (inclusive of gst)",
        "total sales (inclusive of gst)", "total sales inclusive gst @6%", "total (gst incl)",
        "total sales (inclusive gst)", "total incl. gst@6%", "takeout total (incl gst)",
        "total incl of gst", "total includes gst 6%", "total (inclusive gst)",
    ),
    (
        "total", "totaal", "montant ttc", "total sales", "total (including gst)",
        "total rm incl of gst",
    ),
    ("amount", "cash", "visa"),
)  # fmt: skip
"""Labels of the amount to pay; an earlier rank wins where several are printed."""

NOT_A_TOTAL = re.compile(
    r"sub\W*tota|qty|quantity|exclu|total gst|total tax|tax total|discount|saving|items?\b|total ht"
    r"|change|point",
    re.IGNORECASE,
)
REGISTRATION = (
    "company no", "co no", "co reg no", "co reg", "roc", "registered in england no", "duns",
    "state file no", "siren", "kvk", "kvk nummer",
)  # fmt: skip
"""Registers that are no tax office; the overconfident extractor cannot tell."""
