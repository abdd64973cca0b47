# Lines of stdin into SQLite, a transaction every 100 ms, with the write-ahead log.
import os
import sqlite3
import sys
import time

path = sys.argv[1]
for end in ('', '-wal', '-shm'):
    if os.path.exists(path + end):
        os.remove(path + end)
store = sqlite3.connect(path, isolation_level=None)
store.execute('pragma journal_mode=wal')
store.execute('pragma synchronous=full')
store.execute('create table records (n integer primary key, line blob)')
store.execute('begin')
synced = time.monotonic()
lines = []
for line in sys.stdin.buffer:
    lines.append((line,))
    if len(lines) < 1000:
        continue
    store.executemany('insert into records (line) values (?)', lines)
    lines.clear()
    if time.monotonic() - synced > 0.1:
        store.execute('commit')
        store.execute('begin')
        synced = time.monotonic()
store.executemany('insert into records (line) values (?)', lines)
store.execute('commit')
