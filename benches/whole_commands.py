#!/usr/bin/env python3
"""Measures whole commands beside other programs that do the same, in one run on one machine.

    benches/whole_commands.py [--rows 1000000] [--rounds 5] [--program PATH] [--before PATH]

Builds the release program unless one is named. `--before` names an earlier one, which does each command in the same
round. DuckDB comes from the package registry, into a virtual environment beside the data; `wrk` is used if it is
there. Prints medians, and ratios: machines differ and are shared.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import string
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADER = ("id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Amount Refunded,"
          "Converted Currency,Decline Reason,Description,Fee,Refunded date (UTC),Statement Descriptor,Status,"
          "Seller Message,Taxes On Fee,Card ID,Customer ID,Customer Description,Customer Email,Invoice ID,Transfer")
ENVIRONMENT = dict(os.environ, FPRECON_API_KEY="a-key-for-the-sandbox", FPRECON_WID="w")
# What `plan --events` does, in SQL: classified, cents, refunds linked by id, each id once, ordered.
DUCKDB = """
import duckdb, sys
c = duckdb.connect()
c.execute("set threads = 2")
c.execute(f'''create table events as
with r as (select * from read_csv('{sys.argv[1]}', header = true, all_varchar = true)),
k as (select *, coalesce(nullif("Invoice ID", ''), id) event_id,
        cast(round(cast(Amount as decimal(18, 2)) * 100) as bigint) paid,
        cast(round(cast("Amount Refunded" as decimal(18, 2)) * 100) as bigint) refunded
      from r where Status in ('Paid', 'Refunded') and Captured = 'true'),
s as (select 'sale' kind, event_id, null sale_event_id, "Customer Email" email, "Customer ID" uid, paid cents,
        upper(Currency) currency, "Created date (UTC)" created_at from k),
f as (select 'refund' kind, event_id || '_refund_' || refunded event_id, event_id sale_event_id,
        "Customer Email" email, "Customer ID" uid, refunded cents, upper(Currency) currency,
        "Refunded date (UTC)" created_at from k where refunded > 0),
u as (select * from s union all select * from f)
select distinct on (kind, event_id) * from u''')
c.execute(f"copy (select * from events order by email, created_at) to '{sys.argv[2]}' (header)")
"""
WRK = """
local n = 0
request = function()
  n = n + 1
  local body = "wid=w&email=user" .. n .. "%40example.com&uid=cus_" .. n .. "&event_id=in_4joyuFHMkkrx65iZ9lYg" .. n ..
    "&amount=6000&currency=USD&created_at=2026-01-04T10%3A01%3A59Z&skip_email_notification=true"
  return wrk.format("POST", "/api/v1/track/sale",
    {["x-api-key"] = "k", ["content-type"] = "application/x-www-form-urlencoded"}, body)
end
"""


def write_export(path, rows, seed):
    """Writes a Stripe payments export: 10 % failed, 4 % refunded, twelve rows a customer."""
    rng, letters = random.Random(seed), string.ascii_letters + string.digits
    identity = lambda prefix, length=24: prefix + "".join(rng.choices(letters, k=length))
    customers = [(identity("cus_", 14), f"user{seed}x{n}@example.com") for n in range(max(1, rows // 12))]
    with open(path, "w") as out:
        out.write(HEADER + "\n")
        for _ in range(rows):
            customer, email = rng.choice(customers)
            cents, dice = rng.choice((800, 1900, 4900, 9900, 19900, 120000)), rng.random()
            status, refunded = "Paid", 0
            if dice < 0.10:
                status = "Failed"
            elif dice < 0.13:
                status, refunded = "Refunded", cents
            elif dice < 0.14:
                refunded = cents // 2
            money = lambda value: f"{value // 100}.{value % 100:02d}"
            month, day, clock = rng.randrange(1, 11), rng.randrange(1, 28), f"{rng.randrange(24):02d}:10:{rng.randrange(60):02d}"
            refunded_at = f"2026-{month:02d}-{day + 1:02d} {clock}" if refunded else ""
            out.write(
                f"{identity('ch_')},2026-{month:02d}-{day:02d} {clock},{money(cents)},{money(refunded)},usd,true,"
                f"{money(cents)},{money(refunded)},usd,,Subscription update,0.53,{refunded_at},EXAMPLE CO,{status},"
                f"Payment complete.,0.00,{identity('pm_')},{customer},,{email},{identity('in_')},{identity('po_')}\n")


class Sandbox:
    """A sandbox that ends with this program, on a port that the system gives."""

    def __init__(self, program, *options):
        command = [program, "sandbox", "--listen", "127.0.0.1:0", "--arrivals-kept", "1000", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()

    def arrivals(self):
        state = self.url.removesuffix("/api/v1") + "/sandbox/state"
        return json.load(urllib.request.urlopen(state, timeout=30))["arrivals"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def measure(command, expected=(0, 1)):
    """Runs a command, and returns its seconds and its megabytes."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status) not in expected:
        sys.exit(f"{command} ended with {status}: {said.decode()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024


def sending(program, sandbox, *arguments, concurrency=16):
    return [program, *arguments, "--yes", "--base-url", sandbox.url, "--requests-per-minute", "60000000",
            "--concurrency", str(concurrency)]


class Table:
    """The figures of each row, one for each round."""

    def __init__(self):
        self.rows = {}

    def add(self, what, who, seconds, megabytes=None):
        self.rows.setdefault(what, {}).setdefault(who, []).append((seconds, megabytes))

    def print(self, anchors):
        for what, sides in self.rows.items():
            print(f"\n{what}")
            anchor = statistics.median(seconds for seconds, _ in sides[anchors[what]]) if anchors.get(what) in sides else None
            for who, figures in sides.items():
                seconds = statistics.median(seconds for seconds, _ in figures)
                megabytes = [megabytes for _, megabytes in figures if megabytes is not None]
                memory = f"{statistics.median(megabytes):7.0f} MB" if megabytes else " " * 10
                ratio = f"{seconds / anchor:6.2f} x" if anchor else ""
                print(f"  {who:<26} {seconds:8.3f} s {memory} {ratio}")


def plans(table, programs, python, place, rounds):
    """A whole export to an ordered list of events."""
    what = "plan --events, from nothing"
    for _ in range(rounds):
        if python:
            table.add(what, "DuckDB, 2 threads", *measure([python, "-c", DUCKDB, "big.csv", "duckdb.csv"]))
        for name, program in programs.items():
            events = os.path.join(place, "events.csv")
            command = [program, "plan", "big.csv", "--events", events, "--journal", "none.journal"]
            table.add(what, name, *measure(command))
            os.remove(events)
    return {what: "DuckDB, 2 threads"}


def journals(table, programs, place, rounds):
    """What a job costs beside a journal that has the whole export."""
    again, nightly, empty = "the same export again, all settled", "300 new rows, all of it in the journal", "300 new rows, an empty journal"
    for name, program in programs.items():
        with Sandbox(program, "--lead-share", "10") as sandbox:
            journal = os.path.join(place, f"{name}.journal")
            measure(sending(program, sandbox, "run", "big.csv", "--journal", journal))
            for round in range(rounds):
                write_export("few.csv", 300, 1000 + round)
                plan = [program, "plan", "big.csv", "--journal", journal, "--base-url", sandbox.url]
                table.add(again, name, *measure(plan))
                table.add(nightly, name, *measure(sending(program, sandbox, "run", "few.csv", "--journal", journal)))
                fresh = os.path.join(place, f"empty-{name}-{round}.journal")
                table.add(empty, name, *measure(sending(program, sandbox, "run", "few.csv", "--journal", fresh)))
    for _ in range(rounds):
        walked = subprocess.run(["cargo", "bench", "--locked", "--bench", "reading", "--", os.path.abspath("big.csv")], cwd=ROOT,
                                capture_output=True, text=True, check=True)
        table.add(again, "csv crate, records only", float(walked.stdout.split()[-2]) / 1000)
    return {again: "csv crate, records only"}


def resumed(table, programs, place, rounds):
    """The time until the first request after a kill in the middle of the export."""
    what = "resume after a kill at half, to its first request"
    for name, program in programs.items():
        with Sandbox(program, "--lead-share", "100") as sandbox:
            journal = os.path.join(place, f"killed-{name}.journal")
            start = lambda *arguments: subprocess.Popen(
                sending(program, sandbox, *arguments, "--journal", journal), stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env=ENVIRONMENT)
            run = start("run", "big.csv")
            half = sum(1 for _ in open("big.csv")) * 0.47
            while sandbox.arrivals() < half and run.poll() is None:
                time.sleep(0.05)
            for _ in range(rounds):
                if run.poll() is not None:
                    sys.exit(f"a run ended with {run.returncode} before it could be killed: take more rows")
                run.kill()
                run.wait()
                before, started = sandbox.arrivals(), time.monotonic()
                run = start("resume")
                while sandbox.arrivals() == before and run.poll() is None:
                    time.sleep(0.005)
                table.add(what, name, time.monotonic() - started)
            run.kill()
            run.wait()


def sent(table, programs, events, rounds):
    """A whole run, with a durable journal and all reports, beside a program that only posts."""
    what = f"run of {events} events, 16 at a time"
    write_export("sent.csv", int(events / 0.94), 3)
    for round in range(rounds):
        for name, program in programs.items():
            with Sandbox(program, "--lead-share", "100") as sandbox:
                command = sending(program, sandbox, "run", "sent.csv", "--journal", f"sent-{name}-{round}.journal")
                seconds, megabytes = measure(command)
                table.add(what, name, seconds * events / sandbox.arrivals(), megabytes)
        if shutil.which("wrk"):
            with Sandbox(next(iter(programs.values())), "--lead-share", "100") as sandbox:
                with open("post.lua", "w") as script:
                    script.write(WRK)
                base = sandbox.url.removesuffix("/api/v1")
                subprocess.run(["wrk", "-t1", "-c16", "-d6s", "-s", "post.lua", base], check=True, stdout=subprocess.DEVNULL)
                table.add(what, "wrk", 6 * events / sandbox.arrivals())
    return {what: "wrk"}


def requests(programs, place, rows):
    """The number of requests for an export of whose customers a tenth is referred."""
    for name, program in programs.items():
        with Sandbox(program, "--lead-share", "10") as sandbox:
            journal = os.path.join(place, f"requests-{name}.journal")
            measure(sending(program, sandbox, "run", "big.csv", "--journal", journal))
            print(f"\nrequests for each of {rows} rows, a tenth of the customers referred\n  {name:<26} {sandbox.arrivals() / rows:8.3f}")


def with_duckdb(place):
    """Returns a Python that has DuckDB, or `None`."""
    environment = os.path.join(place, "python")
    made = subprocess.run([sys.executable, "-m", "venv", environment], capture_output=True)
    python = os.path.join(environment, "bin", "python")
    if made.returncode or subprocess.run([python, "-m", "pip", "install", "-q", "duckdb"], capture_output=True).returncode:
        print("DuckDB can't be had here: its rows are left out")
        return None
    version = subprocess.run([python, "-c", "import duckdb; print(duckdb.__version__)"], capture_output=True, text=True)
    print(f"DuckDB {version.stdout.strip()}")
    return python


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", type=os.path.abspath)
    parser.add_argument("--before", type=os.path.abspath)
    parser.add_argument("--only", default="plans,journals,resumed,sent,requests")
    arguments = parser.parse_args()
    if not arguments.program:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
        target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
        arguments.program = os.path.join(os.path.abspath(target), "release", "fprecon")
    programs = {"before": arguments.before} if arguments.before else {}
    programs["fprecon"] = arguments.program
    parts, table, anchors = arguments.only.split(","), Table(), {}
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        write_export("big.csv", arguments.rows, 1)
        print(f"{arguments.rows} rows, {os.path.getsize('big.csv') / 1e6:.0f} MB; {os.cpu_count()} processors; {arguments.rounds} rounds")
        if "plans" in parts:
            anchors |= plans(table, programs, with_duckdb(place), place, arguments.rounds)
        if "journals" in parts:
            anchors |= journals(table, programs, place, arguments.rounds)
        if "resumed" in parts:
            resumed(table, programs, place, arguments.rounds)
        if "sent" in parts:
            anchors |= sent(table, programs, min(200_000, arguments.rows), arguments.rounds)
        table.print(anchors)
        if "requests" in parts:
            requests(programs, place, arguments.rows)
        os.chdir("/")


if __name__ == "__main__":
    main()
