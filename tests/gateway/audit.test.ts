/** The audit: a chain of hashes over what was asked and what became of it. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../gateway/check.ts';
import { auditHash, verifyAudit } from '../../gateway/journal/audit.ts';
import { openReader } from '../../gateway/journal/reader.ts';
import { startGateway } from '../../gateway/main.ts';
import { openHere } from '../backing.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';

describe('the audit', () => {
  // Made with Python's hashlib from the words of gateway/journal/audit.ts.
  const chain = [
    {
      number: 1,
      at: 1000,
      body: '{"kind":"command"}',
      hash: '2e82ba5b51df047e9ed067c6cefecded01ad4be1276e46d0f4c0756a2c9947cb',
    },
    {
      number: 2,
      at: 2000,
      body: '{"kind":"outcome"}',
      hash: '3bdeac6506ff57e103943b7d8837085f58ff4495c4cacd298f591d53049a8314',
    },
    {
      number: 3,
      at: 3000,
      body: '{"kind":"command","id":"b"}',
      hash: '7ae14a721d01d04e695d49ef3018aec954e995226b577863cff5524e04b9c4ac',
    },
  ] as const;

  it('is a chain of hashes; a change, a removal and an insertion break it', () => {
    const [one, two, three] = chain;
    expect(verifyAudit('', chain)).toBeUndefined();
    expect(verifyAudit(one.hash, [two, three])).toBeUndefined();
    expect(verifyAudit('', [one, { ...two, body: '{}' }, three])).toMatchObject({ number: 2 });
    expect(verifyAudit('', [one, { ...two, at: 2001 }, three])).toMatchObject({ number: 2 });
    expect(verifyAudit('', [one, three])).toMatchObject({ number: 3 });
    expect(verifyAudit('', [two, three])).toMatchObject({ number: 2 });
    // Who changes one and makes its hash anew breaks the next.
    const forged = { ...two, body: '{}' };
    const again = { ...forged, hash: auditHash(one.hash, forged) };
    expect(verifyAudit('', [one, again, three])).toMatchObject({ number: 3 });
  });

  it('goes on over restarts and retention, and the journal finds a change', async () => {
    const directory = temporaryDirectory();
    const journal = await openHere(directory);
    for (const { at, body } of chain) expect(await journal.audit(at, body)).toMatch(/^[0-9a-f]{64}$/);
    await journal.forget(2500, 2500);
    await journal.close();
    const again = await openHere(directory);
    await again.audit(4000, '{"kind":"login"}');
    // The last one stays, however old: the chain goes on from it.
    await again.forget(9000, 9000);
    await again.close();
    const reader = openReader(directory);
    const { anchor, entries } = reader.audit();
    reader.close();
    expect(entries.map(({ number }) => number)).toEqual([3, 4]);
    expect(entries[0]).toEqual(chain[2]);
    expect(verifyAudit(anchor, entries)).toBeUndefined();
    const db = new Database(join(directory, 'journal.sqlite'));
    db.exec("UPDATE audit SET body = replace(body, 'login', 'logout') WHERE number = 4");
    db.close();
    const forged = openReader(directory);
    const { anchor: from, entries: after } = forged.audit();
    forged.close();
    expect(verifyAudit(from, after)).toMatchObject({ number: 4 });
  });

  it('notes that the gateway runs with another config, once for each', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'campus.yaml');
    const start = async (name: string) => {
      writeFileSync(file, `campus: { id: "45001", name: ${name} }\n`);
      const loaded = readConfig(file);
      if ('errors' in loaded) throw new Error('the config is wrong');
      const gateway = await startGateway({ config: loaded.config, log: silentLog });
      await gateway.close(0);
    };
    for (const name of ['一中', '一中', '二中', '一中']) await start(name);
    const reader = openReader(join(directory, 'data'));
    const { anchor, entries } = reader.audit();
    reader.close();
    const hashes = entries.map(({ body }) => (JSON.parse(body) as { sha256: string }).sha256);
    const sha256 = (name: string) =>
      createHash('sha256').update(`campus: { id: "45001", name: ${name} }\n`).digest('hex');
    expect(hashes).toEqual(['一中', '二中', '一中'].map(sha256));
    expect(verifyAudit(anchor, entries)).toBeUndefined();
  });
});
