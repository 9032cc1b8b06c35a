#!/usr/bin/env python3
"""Computes an export of Farthing's ledger again: chain, amounts, balances. Standard library only; docs/ledger.md is the recipe.

    check_ledger.py FILE            a whole export, CSV or JSON Lines
    check_ledger.py FILE --part     one made with --from, --to or --project: its chain cannot be followed
    check_ledger.py FILE --head HEX also demands that the last hash is HEX, as `farthing ledger verify` says

Exit code 0 if everything agrees, 3 if anything does not.
"""
import csv, hashlib, json, sys
from collections import defaultdict
from decimal import Decimal

ENTRY = """seq kind request_id placed_at closed_at key_id project_id scopes model dialect stream run provider_id deployment_id
    upstream_model price_id price input cache_read cache_write_5m cache_write_1h output reasoning units tier provenance status
    http_status attempts latency_ms first_token_ms held amount debit_account credit_account route""".split()
ADJUSTMENT = "seq id booked_at scopes provider_id amount reason actor request_id debit_account credit_account".split()
CLASSES = "input cache_read cache_write_5m cache_write_1h output reasoning".split()
M = 10**6


def lines(path):
    with open(path, newline="", encoding="utf-8") as file:
        is_csv = file.read(1) == "s"
        file.seek(0)
        rows = csv.DictReader(file) if is_csv else map(json.loads, file)
        for row in rows:
            yield {name: "" if value is None else plain(str(value), is_csv) for name, value in row.items()}


def plain(text, is_csv):
    """What a spreadsheet would take for a formula stands behind an apostrophe in CSV."""
    return text[1:] if is_csv and text.startswith("'") else text


def picos(dollars):
    return int(Decimal(dollars).scaleb(12).to_integral_exact())


def cost(line):
    """Usage times price: one rounding, half up, to a picodollar (the minutes of sound are rounded before, to a millionth of one)."""
    if not line["price"]:
        return 0
    price = json.loads(line["price"])
    units = defaultdict(int, json.loads(line["units"] or "{}"))
    n = {name: int(line[name]) for name in CLASSES}
    prompt = sum(n[name] for name in CLASSES[:4]) + units["audio_input"] + units["image_input"]
    tiers = [tier for tier in price.get("context_tiers", []) if tier["above_input_tokens"] < prompt]
    tier = max(tiers, key=lambda tier: tier["above_input_tokens"], default={})

    def rate(name, otherwise=0):
        text = tier.get(name + "_cost_per_m", price.get(name + "_cost_per_m"))
        return otherwise if text is None else picos(text)

    fee = lambda name: picos(price.get(name, "0"))
    given, made = rate("input"), rate("output")
    write = rate("cache_write", given)
    total = n["input"] * given + n["cache_read"] * rate("cache_read", given) + n["cache_write_5m"] * write
    total += n["cache_write_1h"] * rate("cache_write_1h", write) + n["output"] * made + n["reasoning"] * rate("reasoning", made)
    for name, otherwise in ("audio_input", given), ("image_input", given), ("audio_output", made), ("image_output", made):
        total += units[name] * rate(name, otherwise)
    total += units["characters"] * rate("character")
    total += (fee("image_fee_usd") * units["images"] + fee("search_fee_usd") * units["searches"]) * M
    total += (fee("audio_minute_fee_usd") * M * units["audio_ms"] + 30_000) // 60_000
    factor = int(Decimal(price.get("service_tiers", {}).get(line["tier"], "1")) * M)
    return (total * factor + M * M // 2) // (M * M) + fee("request_fee_usd")


def check(path, part, head):
    before, last, count, faults = bytes(32), 0, 0, []
    booked, charged, moved = {}, defaultdict(int), defaultdict(int)
    for line in lines(path):
        seq, kind, count = int(line["seq"]), line["kind"], count + 1
        fault = lambda text: faults.append(f"line {seq} {text}")
        adjustment = kind == "adjustment"
        # Lines from before the route was covered end without it.
        forms = [ADJUSTMENT] if adjustment else [ENTRY, ENTRY[:-1]]
        texts = ["".join(line.get(name, "") + "\x1f" for name in form) for form in forms]
        hashes = [hashlib.sha256(before + text.encode()).hexdigest() for text in texts]
        before = bytes.fromhex(line["hash"] if part or line["hash"] in hashes else hashes[0])
        if before.hex() != line["hash"]:
            fault("does not have the hash it should have: it or one before it was altered or removed")
            before = bytes.fromhex(line["hash"])
        if seq <= last:
            fault("is out of order")
        last, amount, request = seq, int(line["amount"]), line["request_id"]
        if picos(line["amount_usd"]) != amount:
            fault("says different amounts in dollars and picodollars")
        if not adjustment:
            if any("\x1f" in line.get(name, "") for name in ENTRY if name != "model"):
                fault("has a separator of fields in a field")
            total = amount + int(line["held"]) if kind == "correction" else amount
            idle = not any(int(line[name]) for name in CLASSES) and not line["units"]
            if total != cost(line) and not (total == 0 and idle):
                fault(f"is booked at {total} picodollars, its usage costs {cost(line)}")
            if kind == "call" and request in booked:
                fault("books its request again")
            if kind == "correction" and not part and booked.get(request) != int(line["held"]):
                fault("does not start from what was booked")
            if kind != "attempt":
                booked[request] = total
        elif line["debit_account"] != line["scopes"].split(" ")[0]:
            fault("is not charged to its first scope")
        for scope in line["scopes"].split():
            charged[scope] += amount
        if line["debit_account"]:
            moved[line["debit_account"]] += amount
        if line["credit_account"]:
            moved[line["credit_account"]] -= amount
    if sum(moved.values()):
        faults.append(f"debits exceed credits by {sum(moved.values())} picodollars")
    if head and head != before.hex():
        faults.append(f"the last hash is {before.hex()}, not {head}: the last lines were altered, removed or added")
    for account, amount in sorted(charged.items()):
        print(f"{account} was charged {Decimal(amount).scaleb(-12):f} USD")
    print(f"{count} lines, {len(booked)} requests, last hash {before.hex()}, {len(faults)} faults")
    print("".join(fault + "\n" for fault in faults), end="")
    return 3 if faults else 0


if __name__ == "__main__":
    wanted = sys.argv[sys.argv.index("--head") + 1] if "--head" in sys.argv else None
    sys.exit(check(sys.argv[1], "--part" in sys.argv, wanted))
