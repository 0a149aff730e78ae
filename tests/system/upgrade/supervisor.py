"""A stand-in for systemd: runs the units of a package as systemd does, as far as upgrades need it. `supervisor.py ROOT`

Conditions, Wants, ExecCondition, Type=notify, the watchdog, Restart=always, reload, stop. What `systemctl` there says
comes over ROOT/run/systemd/standin; each line of a service goes to standard output."""
import ctypes, os, signal, socket, subprocess, sys, threading, time

ROOT = sys.argv[1]
ENV = {'PATH': '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'CAMPUS_LANG': 'en'} | dict(a.split('=', 1) for a in sys.argv[2:])
LIBC = ctypes.CDLL(None)
services, guard = {}, threading.RLock()


def unit(name):
    keys = {}
    for line in open(f'{ROOT}/lib/systemd/system/{name}'):
        key, is_set, value = line.strip().partition('=')
        if is_set and not key.startswith('#'):
            keys.setdefault(key, []).append(value)
    return keys


class Service:
    def __init__(self, name):
        self.name, self.state, self.pid, self.wanted, self.life = name, 'inactive', 0, False, None

    def spawn(self, line, keys, extra={}):
        def enter():
            os.chroot(ROOT)
            os.chdir('/')
            for user in keys.get('User', []):
                uid, gid = next(l.split(':')[2:4] for l in open('/etc/passwd') if l.startswith(user + ':'))
                os.setgroups([]), os.setgid(int(gid)), os.setuid(int(uid)), os.umask(0o077)
            LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing outlives the stand-in
        own = dict(pair.split('=', 1) for words in keys.get('Environment', []) for pair in words.split())
        child = subprocess.Popen(line.split(), env=ENV | own | extra, preexec_fn=enter, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        def tell():
            for said in child.stdout:
                print(f'{self.name}: {said.decode(errors="replace").rstrip()}', flush=True)
        threading.Thread(target=tell, daemon=True).start()
        return child

    def start(self):
        with guard:
            if self.life and self.life.is_alive(): return
            self.wanted, self.state = True, 'activating'
            self.life = threading.Thread(target=self.live, daemon=True); self.life.start()

    def live(self):
        while self.wanted:
            keys = unit(self.name)
            for other in keys.get('Wants', []): service(other).start()
            unmet = any(not os.path.exists(ROOT + path) for path in keys.get('ConditionPathExists', []))
            if unmet or any(self.spawn(line, keys).wait() for line in keys.get('ExecCondition', [])): break
            status = self.once(keys)
            restart = keys.get('Restart', ['no'])[0]
            if not self.wanted or restart == 'no' or (restart == 'on-failure' and status == 0): break
            self.state = 'activating'
            time.sleep(1)
        self.state, self.pid, self.wanted = 'inactive', 0, False

    def once(self, keys):
        path = f'/run/notify-{self.name}'
        if os.path.exists(ROOT + path): os.remove(ROOT + path)
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); ear.bind(ROOT + path); os.chmod(ROOT + path, 0o777); ear.settimeout(0.1)
        patience = float(ENV.get('WATCHDOG_SEC', keys.get('WatchdogSec', ['0'])[0])) if 'WatchdogSec' in keys else 0
        child = self.spawn(keys['ExecStart'][0], keys, {'NOTIFY_SOCKET': path, 'WATCHDOG_USEC': str(int(patience * 1e6))} if patience else {})
        self.pid, heard = child.pid, time.monotonic()
        if keys.get('Type') != ['notify']: self.state = 'active'
        while child.poll() is None:
            try: said = ear.recv(4096).decode()
            except TimeoutError: said = ''
            if 'WATCHDOG=1' in said or 'READY=1' in said: heard = time.monotonic()
            if 'READY=1' in said: self.state = 'active'
            if patience and self.state == 'active' and time.monotonic() - heard > patience: child.kill(); print(f'{self.name}: watchdog', flush=True)
        ear.close()
        return child.returncode

    def stop(self):
        with guard: self.wanted, life, pid = False, self.life, self.pid
        if pid:
            try: os.kill(pid, signal.SIGTERM)
            except ProcessLookupError: pass
        if life: life.join(15)
        if life and life.is_alive() and self.pid: os.kill(self.pid, signal.SIGKILL); life.join()


def service(name):
    with guard: return services.setdefault(name, Service(name))


def systemctl(words):
    options = [w for w in words if w.startswith('-')]
    verb, *names = [w for w in words if not w.startswith('-')]
    if verb in ('enable', 'is-enabled', 'daemon-reload'): return 0, ''
    one = service(names[0])
    if verb in ('stop', 'restart'): one.stop()
    if verb in ('start', 'restart'): one.start()
    if verb == 'is-active': return (0 if one.state == 'active' else 3), one.state
    if verb == 'show': return 0, str(one.pid)
    if verb == 'reload': return one.spawn(unit(one.name)['ExecReload'][0], {}).wait(), ''
    return 0, ''


ear = socket.socket(socket.AF_UNIX)
os.makedirs(f'{ROOT}/run/systemd/system', exist_ok=True)
ear.bind(f'{ROOT}/run/systemd/standin'); ear.listen()
print('supervisor: ready', flush=True)
def answer(peer):
    with peer:
        status, said = systemctl(peer.makefile().readline().split())
        peer.sendall(f'{status} {said}\n'.encode())
while True: threading.Thread(target=answer, args=(ear.accept()[0],), daemon=True).start()
