"""Runs a command on a terminal of its own and types: type.py COMMAND [wait:TEXT | type:TEXT | pause:SECONDS]... Prints what the terminal showed, and the exit."""
import fcntl, os, pty, select, signal, struct, sys, termios, time

pid, terminal = pty.fork()
if pid == 0:
    os.execvp('bash', ['bash', '-c', sys.argv[1]])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
shown = b''

def look(seconds):
    global shown
    if select.select([terminal], [], [], seconds)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux: the other side has closed.
            return False
        shown += piece
        return piece != b''
    return True

for step in sys.argv[2:]:
    kind, text = step.split(':', 1)
    text = text.encode().decode('unicode_escape').encode('latin1')
    if kind == 'type':
        os.write(terminal, text)
    elif kind == 'pause':
        time.sleep(float(text))
    else:
        end = time.time() + 20
        while text not in shown and time.time() < end and look(0.1):
            pass
        if text not in shown:
            os.kill(pid, signal.SIGKILL)
            sys.exit('did not see %r in %r' % (text, shown[-2000:]))
end = time.time() + 20
while time.time() < end and look(0.1):
    pass
if time.time() >= end:
    os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
print('\nexit', os.waitstatus_to_exitcode(status))
