/** What is typed for an option and makes no sense there is refused before anything begins, with what is allowed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostPortOf, momentOf, numberOf, timeOf, wholeOf } from '../../gateway/cli/values.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { speakChinese } from '../language.ts';
import { run } from './terminal.ts';

const demo = 'config/demo.yaml';

describe('an option whose value makes no sense', () => {
  it.each([
    [['demo'], 'rate', 'x'],
    [['demo'], 'rate', '0'],
    [['demo'], 'rate', '-1'],
    [['demo'], 'rate', 'Infinity'],
    [['demo'], 'rate', '1e9'],
    [['demo'], 'for', '10'],
    [['demo'], 'for', '-3s'],
    [['discover'], 'for', '0s'],
    [['discover'], 'for', '9999999d'],
    [['discover'], 'interface', 'nosuch'],
    [['walk-test', demo], 'for', '9h'],
    [['run', demo], 'log-level', 'loud'],
    [['simulate', 'campus', demo], 'rate', 'x'],
    [['simulate', 'campus', demo], 'rush', '1.5'],
    [['simulate', 'campus', demo], 'rush', '999999999'],
    [['simulate', 'campus', demo, '--rush', '3'], 'within', 'soon'],
    [['simulate', 'campus', demo], 'for', 'x'],
    [['simulate', 'panel'], 'to', '127.0.0.1'],
    [['simulate', 'panel'], 'to', '127.0.0.1:0'],
    [['simulate', 'panel', '--to', '127.0.0.1:9'], 'supervision', '-1s'],
    [['simulate', 'receiver'], 'protocol', 'morse'],
    [['simulate', 'fence'], 'unit', '256'],
    [['simulate', 'fence'], 'unit', 'one'],
    [['simulate', 'fence'], 'listen', '70000'],
    [['simulate', 'fence'], 'model', 'wall'],
    [['simulate', 'reader', '--serial', '/dev/null'], 'baud', '9600baud'],
    [['simulate', 'osdp'], 'address', '127'],
    [['simulate', 'camera'], 'rtsp', '0'],
    [['simulate', 'face', '--to', 'http://127.0.0.1:9'], 'kind', 'human'],
    [['modbus', 'read', demo, 'fence-east'], 'every', '0ms'],
    [['modbus', 'read', demo, 'fence-east'], 'for', 'x'],
    [['modbus', 'read', demo, 'fence-east'], 'function', '5'],
    [['modbus', 'read', demo, 'fence-east'], 'from', '65536'],
    [['modbus', 'read', demo, 'fence-east'], 'count', '0'],
    [['osdp', 'find', '/dev/null'], 'answer-time', '1h'],
    [['osdp', 'find', '/dev/null'], 'baud', 'x'],
    [['osdp', 'set-line', demo, 'x', '--baud', '9600'], 'address', '127'],
    [['osdp', 'set-line', demo, 'x', '--address', '1'], 'baud', '1200'],
    [['journal', 'replay', demo, '--uplink', 'police'], 'after', '-1'],
    [['journal', 'replay', demo, '--uplink', 'police'], 'up-to', '9007199254740993'],
    [['journal', 'replay', demo, '--uplink', 'police'], 'lane', 'slow'],
    [['journal', 'erase', demo, '--card', '1'], 'facility', 'x'],
  ])('%j --%s=%s', async (command, option, text) => {
    const { status, stderr, stdout } = await run(...command, `--${option}=${text}`);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    // One sentence: what was wrong must not scroll away over all the options that there are.
    expect(stderr).toMatch(new RegExp(`^${command[0]}: --${option}\\b[^\\n]+\\n$`));
  });

  it.each(['1', 'yesterday', '2026-13-01', '2026-11-24 08'])('journal export --from %s', async (text) => {
    const directory = temporaryDirectory();
    const file = join(directory, 'c.yaml');
    const port = await freePort();
    writeFileSync(file, `campus: { id: "4503000001", name: x }\ndataDir: d\nstatus: { port: ${port} }\n`);
    const { openJournal } = await import('../../gateway/journal/index.ts');
    await (await openJournal(join(directory, 'd'))).close();
    expect(await run('journal', 'export', file, '--from', text)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^journal: --from "[^\n]+such as 2026-11-24[^\n]+\n$/),
    });
  });

  it.each([
    ['1m', '8h'],
    ['20ms', '5s'],
    ['0s', '1h'],
    ['1h', '90d'],
    ['2d', '365d'],
    ['30s', '397d'],
    ['1ms', '3650d'],
  ])('names times that are taken, of %s to %s', (least, most) => {
    let said = '';
    try {
      timeOf('for', 'x', least, most);
    } catch (error) {
      said = (error as Error).message;
    }
    const examples = /such as (\S+) or (\S+)$/.exec(said)?.slice(1) ?? [];
    expect(examples).toHaveLength(2);
    for (const one of examples) expect(timeOf('for', one, least, most)).toBeGreaterThan(0);
  });

  it('says so in Chinese', async () => {
    speakChinese();
    expect((await run('demo', '--rate', 'x')).stderr).toBe('demo: --rate "x"：0.01 到 1000 的数字\n');
  });
});

describe('what is right', () => {
  it('is taken', () => {
    expect(numberOf('rate', '0.5', 0.01, 1000)).toBe(0.5);
    expect(wholeOf('from', '0x10', 0, 65_535)).toBe(16);
    expect(timeOf('every', '1.5s', '20ms', '1d')).toBe(1500);
    expect(hostPortOf('to', '[::1]:5100')).toEqual({ host: '::1', port: 5100 });
    expect(hostPortOf('listen', '8000')).toEqual({ host: '127.0.0.1', port: 8000 });
    expect(hostPortOf('to', 'panel.school:1')).toEqual({ host: 'panel.school', port: 1 });
    expect(momentOf('from', '2026-11-24T08:00+08:00')).toBe(Date.UTC(2026, 10, 24));
    expect(momentOf('from', '2026-11-24')).toBe(Date.UTC(2026, 10, 24));
  });
});
