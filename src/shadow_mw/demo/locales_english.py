"""How English-speaking suppliers label and write things; one half of the generator's tables.

Labels are ordered from common to rare. In shapes `#` is a digit, `@` a capital letter.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Locale:
    """One country's way to write an invoice."""

    code: str
    titles: tuple[str, ...]
    number: tuple[str, ...]
    date: tuple[str, ...]
    due: tuple[str, ...]
    order: tuple[str, ...]
    total: tuple[str, ...]
    net: str
    tax_amount: str
    tax_id: tuple[str, ...]
    tax_shapes: tuple[str, ...]
    registration: tuple[str, ...]
    registration_shapes: tuple[str, ...]
    phone: tuple[str, ...]
    phone_shape: str
    bill_to: tuple[str, ...]
    customer_number: str
    bank: tuple[str, str]
    currencies: tuple[str, ...]
    dates: tuple[str, ...]
    months: str
    separators: tuple[str, str]
    suffixes: tuple[str, ...]
    names: tuple[str, ...]
    streets: tuple[str, ...]
    cities: tuple[str, ...]
    items: tuple[str, ...]


ENGLISH_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
ENGLISH_ITEMS = ("Copper fittings 15mm", "Site survey", "Toner cartridge", "Freight", "Labour hrs")

GB = Locale(
    code="gb",
    titles=("INVOICE", "TAX INVOICE", "Invoice"),
    number=("Invoice No", "Invoice Number", "Inv. No.", "Our Ref", "Document No", "Voucher"),
    date=("Invoice Date", "Date", "Date of issue", "Tax point"),
    due=("Due Date", "Payment due", "Please pay by", "Settle by"),
    order=("PO Number", "Your Order No", "Purchase Order", "Cust. PO"),
    total=(
        "Total",
        "Total Due",
        "Amount Due",
        "Invoice Total",
        "Balance to pay",
        "Total incl. VAT",
    ),
    net="Net",
    tax_amount="VAT 20%",
    tax_id=("VAT Reg No", "VAT No", "VAT Registration Number", "V.A.T. No.", "VAT ID", "VRN"),
    tax_shapes=("GB#########", "GB ### #### ##", "### #### ##"),
    registration=("Company No", "Registered in England No.", "Co. Reg. No"),
    registration_shapes=("########", "0#######"),
    phone=("Tel", "Phone", "T"),
    phone_shape="0#### ######",
    bill_to=("Bill to", "Invoice to", "Sold to"),
    customer_number="Account",
    bank=("Sort code ##-##-##  A/C", "########"),
    currencies=("GBP", "£", "EUR"),
    dates=("{d:02}/{m:02}/{y}", "{d} {mon} {y}", "{d:02}-{m:02}-{yy:02}"),
    months=ENGLISH_MONTHS,
    separators=(",", "."),
    suffixes=("Ltd", "Limited", "LLP", "PLC"),
    names=(
        "Harrow Supplies",
        "Pennine Tooling",
        "Ashby & Cole",
        "Northgate Print",
        "Kestrel Freight",
    ),
    streets=("14 Mill Lane", "Unit 7, Canal Road", "3 Station Approach", "221 High Street"),
    cities=("Leeds LS1 4AB", "Bristol BS2 0QQ", "Derby DE1 3AH"),
    items=ENGLISH_ITEMS,
)

US = Locale(
    code="us",
    titles=("INVOICE", "Invoice", "STATEMENT / INVOICE"),
    number=("Invoice #", "Invoice Number", "Invoice No", "Bill #", "Ref"),
    date=("Invoice Date", "Date", "Issued", "Billing date"),
    due=("Due Date", "Payment due", "Net due"),
    order=("PO Number", "P.O. #", "Purchase Order", "Order ref"),
    total=("Total", "Total Due", "Amount Due", "Balance Due", "PLEASE PAY", "You owe"),
    net="Subtotal",
    tax_amount="Sales tax",
    tax_id=("Tax ID", "EIN", "Federal Tax ID", "FEIN", "TIN"),
    tax_shapes=("##-#######", "#########"),
    registration=("State file no.", "DUNS"),
    registration_shapes=("########", "#########"),
    phone=("Phone", "Tel", "Ph"),
    phone_shape="(###) ###-####",
    bill_to=("Bill to", "Sold to", "Ship to"),
    customer_number="Customer ID",
    bank=("Routing #########  Acct", "##########"),
    currencies=("USD", "$"),
    dates=("{m:02}/{d:02}/{y}", "{mon} {d}, {y}", "{y}-{m:02}-{d:02}"),
    months=ENGLISH_MONTHS,
    separators=(",", "."),
    suffixes=("Inc.", "LLC", "Corp.", "Co."),
    names=("Blue Mesa Packaging", "Tri-County Electric", "Orchard Labs", "Delmar Signs"),
    streets=("901 Industrial Pkwy", "55 W 3rd St, Ste 210", "1200 Commerce Blvd"),
    cities=("Tulsa, OK 74103", "Reno, NV 89501", "Dayton, OH 45402"),
    items=ENGLISH_ITEMS,
)

MY = Locale(
    code="my",
    titles=("TAX INVOICE", "INVOICE"),
    number=("Invoice No", "Inv No", "Doc No", "Bill No"),
    date=("Date", "Invoice Date", "Bill Date"),
    due=("Due Date", "Payment due"),
    order=("PO Number", "Your Order No", "P.O. No"),
    total=("Total", "Grand Total", "Total Amount", "Nett Total", "Total Payable", "Jumlah"),
    net="Subtotal",
    tax_amount="GST 6%",
    tax_id=("GST ID", "GST Reg No", "GST No", "GST ID No"),
    tax_shapes=("00##########", "00##########", "000#########"),
    registration=("Co. No", "Company No", "ROC"),
    registration_shapes=("######-@", "20##########"),
    phone=("Tel", "H/P"),
    phone_shape="03-########",
    bill_to=("Bill to", "Attention", "M/S"),
    customer_number="A/C Code",
    bank=("Maybank A/C", "############"),
    currencies=("RM", "MYR"),
    dates=("{d:02}/{m:02}/{y}", "{d:02}-{m:02}-{yy:02}", "{d:02} {mon} {y}"),
    months=ENGLISH_MONTHS,
    separators=(",", "."),
    suffixes=("SDN BHD", "SDN. BHD.", "ENTERPRISE"),
    names=("KIM SENG HARDWARE", "MAJU JAYA TRADING", "SRI PUTRA PRINT", "TEONG HIN MOTOR"),
    streets=("NO. 8, JALAN SAGU 3", "LOT 221, JALAN KPB 6"),
    cities=("81100 JOHOR BAHRU", "43300 SERI KEMBANGAN"),
    items=("PVC PIPE 20MM", "WORKMANSHIP", "DELIVERY"),
)
