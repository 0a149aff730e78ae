/** The accounts of the console: the file, the acts on it, passwords, and what slows guessers down. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { openAccounts } from '../../gateway/console/accounts.ts';
import {
  type Act,
  addUser,
  changePassword,
  changeRole,
  findUser,
  hasAdministrator,
  makeLink,
  makeToken,
  performing,
  readName,
  removeUser,
  usePassword,
  withdrawToken,
} from '../../gateway/console/accounts-acts.ts';
import { createAttempts } from '../../gateway/console/accounts-attempts.ts';
import { type AccountsDraft, accountsFile } from '../../gateway/console/accounts-file.ts';
import { createPasswords, weaknessOf } from '../../gateway/console/accounts-passwords.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { silentLog, stream, temporaryDirectory } from '../helpers.ts';

const me = { name: 'li', from: '10.0.0.1' };
const DAY = 86_400_000;

/** Accounts in memory, and what acts make of them. */
function accountsOf(now = 0) {
  const draft: AccountsDraft = { users: [], links: [], tokens: [], hadScreen: false, notes: [] };
  const act = <T>(one: Act<T>, at = now): T => {
    const next = structuredClone(draft);
    const result = performing(one, me, at)(next);
    Object.assign(draft, next);
    return result;
  };
  const why = (one: Act<unknown>, at = now) => {
    try {
      act(one, at);
      return undefined;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  /** Somebody with a password. */
  const person = (name: string, role: 'administrator' | 'guard') => {
    act(addUser(name, role));
    return act(usePassword(act(makeLink(name)).secret, name, '$scrypt$x'));
  };
  return { draft, act, why, person };
}

describe('an account', () => {
  it('has a name of letters of any script, no two alike but for their case', () => {
    expect(readName('  李  主任 ')).toBe('李 主任');
    for (const wrong of ['', ' ', '-a', 'a:b', 'a/b', 'a\u202eb', 'a\nb\u0007', 'x'.repeat(65), '<b>'])
      expect(() => readName(wrong), wrong).toThrow('name-wrong');
    const { act, why } = accountsOf();
    act(addUser('Wang', 'guard'));
    expect(why(addUser('ＷＡＮＧ', 'viewer'))).toBe('name-taken');
    // What the gateway calls itself in the audit is nobody's name.
    expect(why(addUser('Local', 'viewer'))).toBe('name-wrong');
  });

  it('gets its password by a link, once, and before it ends', () => {
    const { act, why, draft } = accountsOf();
    act(addUser('wang', 'guard'));
    const first = act(makeLink('wang'));
    const second = act(makeLink('wang'));
    expect(why(usePassword(first.secret, 'wang', 'h'))).toBe('no-such-link');
    expect(why(usePassword(second.secret, 'wang', 'h'), DAY)).toBe('no-such-link');
    // Whatever name is given with it: a link is its owner's.
    expect(act(usePassword(second.secret, 'other', 'h'), DAY - 1)).toMatchObject({
      name: 'wang',
      role: 'guard',
    });
    expect(why(usePassword(second.secret, 'wang', 'h2'))).toBe('no-such-link');
    expect(JSON.stringify(draft)).not.toContain(second.secret);
  });

  it('of the first administrator is made by a link without a name, and by no second one', () => {
    const { act, why, draft } = accountsOf();
    const { secret } = act(makeLink(undefined));
    act(usePassword(secret, '李主任', 'h'));
    expect(draft.users).toMatchObject([{ name: '李主任', role: 'administrator', password: 'h' }]);
    expect(draft.links).toEqual([]);
    expect(why(makeLink(undefined))).toBe('no-such-user');
  });

  it('that is the last administrator stays one', () => {
    const { act, why, person, draft } = accountsOf();
    person('a', 'administrator');
    // One without a password could not help.
    act(addUser('b', 'administrator'));
    expect(why(removeUser('a'))).toBe('last-administrator');
    expect(why(changeRole('a', 'guard'))).toBe('last-administrator');
    act(usePassword(act(makeLink('b')).secret, 'b', 'h'));
    act(removeUser('A'));
    expect(draft.users.map(({ name }) => name)).toEqual(['b']);
    expect(hasAdministrator(draft)).toBe(true);
  });

  it('has another stamp with each password and role', () => {
    const { act, person, draft } = accountsOf();
    const stamps = new Set([person('a', 'administrator').stamp]);
    const stamp = () => findUser(draft.users, 'a')?.stamp ?? '';
    act(changePassword('a', 'h2'));
    stamps.add(stamp());
    person('b', 'administrator');
    act(changeRole('a', 'guard'));
    stamps.add(stamp());
    act(changeRole('a', 'guard'));
    expect(stamps.size).toBe(3);
    expect(stamps.has(stamp())).toBe(true);
  });

  it('takes the tokens along that its owner made, but for those of screens', () => {
    const { act, person, draft } = accountsOf();
    person('a', 'administrator');
    person('b', 'administrator');
    act(makeToken({ label: 'report', role: 'viewer', until: DAY }, 'b'));
    act(makeToken({ label: 'gate', role: 'screen', until: null }, 'b'));
    act(makeToken({ label: 'own', role: 'viewer', until: DAY }, 'a'));
    act(removeUser('b'));
    expect(draft.tokens.map(({ label }) => label)).toEqual(['gate', 'own']);
  });
});

describe('a token', () => {
  it('has an end, within 400 days; a screen’s may have none', () => {
    const { why, act, draft } = accountsOf(1000);
    const token = (role: 'viewer' | 'screen', until: number | null) =>
      makeToken({ label: 'x', role, until }, 'a');
    expect(why(token('viewer', null))).toBe('end-wrong');
    expect(why(token('viewer', 1000))).toBe('end-wrong');
    expect(why(token('viewer', 1001 + 400 * DAY))).toBe('end-wrong');
    const { id } = act(token('screen', null));
    expect(why(token('screen', null))).toBe('name-taken');
    act(withdrawToken(id));
    expect(why(withdrawToken(id))).toBe('no-such-token');
    expect(draft.tokens).toEqual([]);
  });
});

describe('the file of the accounts', () => {
  it('loses nothing where the gateway and the command line change it at one moment', async () => {
    const directory = temporaryDirectory();
    const files = [accountsFile(directory, systemClock), accountsFile(directory, systemClock)];
    const names = Array.from({ length: 20 }, (_, i) => `user-${i}`);
    await Promise.all(
      names.map((name, i) => files[i % 2]?.change(performing(addUser(name, 'viewer'), me, i))),
    );
    const { users, notes } = (await files[0]?.read()) ?? { users: [], notes: [] };
    expect(users.map(({ name }) => name).sort()).toEqual([...names].sort());
    expect(notes).toHaveLength(20);
    expect(statSync(join(directory, 'console.accounts')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['console.accounts']);
  });

  it('is changed although a process died that held its lock, and not under the nose of one that lives', async () => {
    const directory = temporaryDirectory();
    const time = fastClock(5);
    const lock = join(directory, 'console.accounts.lock');
    writeFileSync(lock, '');
    const file = accountsFile(directory, time);
    const change = () => file.change(performing(addUser('a', 'viewer'), me, 0));
    await expect(change()).rejects.toThrow('accounts-busy');
    utimesSync(lock, Date.now() / 1000, Date.now() / 1000 - 60);
    await change();
    // Of a process that is gone: at once, as good as. (A number above the largest that Linux gives.)
    writeFileSync(lock, '4194305');
    utimesSync(lock, Date.now() / 1000, Date.now() / 1000 - 3);
    const slow = accountsFile(directory, systemClock);
    await slow.change(performing(addUser('b', 'viewer'), me, 0));
    expect((await file.read()).users).toHaveLength(2);
    expect(existsSync(lock)).toBe(false);
  });

  it('stays as it was where the disk refuses', async () => {
    const directory = temporaryDirectory();
    const time = manualClock();
    const file = accountsFile(directory, time);
    await file.change(performing(addUser('a', 'viewer'), me, 0));
    mkdirSync(join(directory, 'console.accounts.new', 'in-the-way'), { recursive: true });
    await expect(file.change(performing(addUser('b', 'viewer'), me, 0))).rejects.toThrow('disk');
    expect((await file.read()).users.map(({ name }) => name)).toEqual(['a']);
  });
});

describe('the gateway’s accounts', () => {
  async function opened(directory = temporaryDirectory()) {
    const time = manualClock();
    const audits = stream<Record<string, unknown>>();
    let refuses = false;
    const journal = {
      audit: async (_at: number, body: string) => {
        if (refuses) throw new Error('disk full');
        audits.push(JSON.parse(body));
        return 'hash';
      },
    };
    const accounts = await openAccounts(directory, { journal, time, log: silentLog });
    onTestFinished(() => accounts.close());
    const refuse = (is: boolean) => {
      refuses = is;
    };
    return { accounts, time, audits, directory, refuse };
  }

  it('tell each change to the audit, with who made it, once the journal takes it', async () => {
    const { accounts, audits, refuse, time } = await opened();
    refuse(true);
    await accounts.perform(addUser('wang', 'guard'), me);
    await time.advance(5000);
    expect(audits.rest()).toEqual([]);
    refuse(false);
    const told = audits.next();
    await time.advance(5000);
    await expect.poll(() => accounts.state.notes).toEqual([]);
    expect(await told).toEqual({
      kind: 'user-added',
      about: 'wang',
      role: 'guard',
      user: 'li',
      from: '10.0.0.1',
    });
    expect(audits.rest()).toEqual([]);
  });

  it('take up within seconds what the command line changed, and tell the audit who did', async () => {
    const { accounts, audits, directory, time } = await opened();
    let changes = 0;
    accounts.onChanged(() => changes++);
    const other = accountsFile(directory, systemClock);
    await other.change(performing(addUser('wang', 'guard'), { name: 'root', from: 'terminal' }, 5));
    await time.advance(5000);
    await expect.poll(() => accounts.state.users).toHaveLength(1);
    expect(changes).toBeGreaterThan(0);
    expect(await audits.next()).toMatchObject({ kind: 'user-added', user: 'root', from: 'terminal' });
  });

  it.each(['', '{', '[]', '{"users":[{"name":"a"}]}'])('put aside a file that is none (%j)', async (text) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'console.accounts'), text);
    const { accounts } = await opened(directory);
    expect([accounts.isKnown, accounts.state.users]).toEqual([true, []]);
    const [aside = ''] = readdirSync(directory);
    expect(readFileSync(join(directory, aside), 'utf8')).toBe(text);
  });

  it('know nobody while the file cannot be read, and everybody when it can', async () => {
    const { directory, accounts: before } = await opened();
    await before.perform(addUser('wang', 'guard'), me);
    const file = join(directory, 'console.accounts');
    const kept = readFileSync(file);
    rmSync(file);
    mkdirSync(file);
    const { accounts, time } = await opened(directory);
    expect([accounts.isKnown, accounts.state.users]).toEqual([false, []]);
    rmSync(file, { recursive: true });
    writeFileSync(file, kept);
    await time.advance(5000);
    await expect.poll(() => accounts.isKnown).toBe(true);
    expect(accounts.state.users).toHaveLength(1);
  });
});

describe('a password', () => {
  it.each([
    ['short', 'too-short'],
    ['x'.repeat(201), 'too-long'],
    ['password123', 'too-common'],
    ['1qaz2wsx3edc', 'too-common'],
    ['aaaaaaaaaaaaa', 'too-common'],
    ['0123456789', 'too-common'],
    ['9876543210', 'too-common'],
    ['zhangwei2026', undefined],
    ['李主任第一小学', 'too-short'],
    ['zhang-wei-1', 'like-a-name'],
    ['correct horse battery', undefined],
    ['春天的围墙上有三只猫呢', undefined],
  ])('%s: %s', (password, weakness) => {
    expect(weaknessOf(password, ['zhang-wei', '第一小学'])).toBe(weakness);
  });

  it('is kept as a hash of scrypt with a salt of its own, whatever keyboard typed it', async () => {
    const passwords = createPasswords({ ln: 4, p: 1 });
    const [one, two] = [await passwords.hash('Ａbcdefghij'), await passwords.hash('Abcdefghij')];
    expect(one).toMatch(/^\$scrypt\$ln=4,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
    expect(await passwords.verify('Abcdefghij', one, false)).toBe(true);
    expect(await passwords.verify('abcdefghij', one, false)).toBe(false);
    // Made by python3 hashlib.scrypt(b'correct horse', salt=b'0123456789abcdef', n=16, r=8, p=1, dklen=32).
    const foreign = '$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$OAkZqUBelG6VIYdTJfYSENL5OmZRxMa3GwXn5oFliTg';
    expect(await passwords.verify('correct horse', foreign, false)).toBe(true);
  });

  it('is looked at in the same way where there is none, and where the hash is damaged', async () => {
    const passwords = createPasswords({ ln: 4, p: 1 });
    for (const hash of [undefined, '', '$scrypt$ln=99,r=8,p=1$AAAAAAAAAAAAAAAA$x', 'x'])
      expect(await passwords.verify('anything', hash, false)).toBe(false);
  });

  it('of who is known here is looked at before those of strangers, of whom no more than some wait', async () => {
    const passwords = createPasswords({ ln: 4, p: 1 });
    const order: string[] = [];
    const ask = async (who: string, known: boolean) =>
      order.push(`${who} ${await passwords.verify('x', undefined, known)}`);
    const strangers = Array.from({ length: 30 }, (_, i) => ask(`stranger ${i}`, false));
    const known = ask('known', true);
    await Promise.all([...strangers, known]);
    const looked = order.filter((one) => one.endsWith('false'));
    expect(looked.indexOf('known false')).toBe(1);
    expect(order.filter((one) => one.endsWith('busy'))).toHaveLength(9);
  });
});

describe('who guesses passwords', () => {
  it('from a thousand addresses has twenty guesses at an account, and then one a minute', async () => {
    const time = manualClock();
    const attempts = createAttempts(time);
    let next = 0;
    const tryOnce = () =>
      attempts.begin('wang', `10.1.${next >> 8}.${next++ & 255}`, undefined).waitMs === undefined;
    const tries = (count: number) => Array.from({ length: count }, tryOnce).filter(Boolean).length;
    expect(tries(1000)).toBe(20);
    await time.advance(600_000);
    expect(tries(1000)).toBe(10);
  });

  it('keeps nobody out who has been in that browser, nor other accounts elsewhere', () => {
    const attempts = createAttempts(manualClock());
    for (let i = 0; i < 1000; i++) attempts.begin('wang', `10.1.${i >> 8}.${i & 255}`, undefined);
    expect(attempts.begin('wang', '10.0.0.1', undefined).waitMs).toBeGreaterThan(0);
    expect(attempts.begin('wang', '10.0.0.1', 'wang nonce').waitMs).toBeUndefined();
    expect(attempts.begin('li', '10.0.0.1', undefined).waitMs).toBeUndefined();
  });

  it('may guess ten times in a browser that is known, too', async () => {
    const time = manualClock();
    const attempts = createAttempts(time);
    const tryOnce = () => attempts.begin('wang', '10.0.0.1', 'wang nonce');
    for (let i = 0; i < 10; i++) expect(tryOnce().waitMs).toBeUndefined();
    expect(tryOnce().waitMs).toBe(10_000);
    await time.advance(10_000);
    const right = tryOnce();
    expect(right.waitMs).toBeUndefined();
    right.forgive();
    expect(tryOnce().waitMs).toBeUndefined();
  });
});
