/** `campus-gateway gb28181 ids`, beside a gateway that has the journal open; and names of the config that nothing has. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { readConfig } from '../../gateway/check.ts';
import { openJournal } from '../../gateway/journal/index.ts';
import { createMetrics, watchClock } from '../../gateway/observe/index.ts';
import { silentLog, temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

function written(uplink = '', video = 'video: [yard]') {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  writeFileSync(join(directory, 'pw'), 'secret\n');
  writeFileSync(
    file,
    `
campus: { id: "4503000001", name: 一中 }
uplinks:
  - id: gb
    protocol: gb28181
    server: 10.1.1.1:5060
    serverId: "34020000002000000001"
    deviceId: "45030000001180000007"
    passwordFile: pw
    ${video}
${uplink}
devices:
  - { id: yard, name: 操场, driver: onvif, host: 10.0.0.41 }
  - { id: hall, driver: onvif, host: 10.0.0.42 }
  - id: beams
    driver: modbus
    connection: { tcp: "127.0.0.1:1502" }
    profile: io-8zone
    zones: [{ zone: 8, id: button, name: 校长室一键报警, kind: panic }]
`,
  );
  return { directory, file };
}

async function journalIn(directory: string) {
  const clock = watchClock(systemClock);
  const journal = await openJournal(join(directory, 'data'), {
    ...{ clock, time: systemClock, log: silentLog, metrics: createMetrics() },
  });
  onTestFinished(async () => {
    await journal.close();
    await clock[Symbol.asyncDispose]();
  });
  return journal;
}

it('ids are shown as the journal has them, and what has none yet by a dash', async () => {
  const { directory, file } = written(
    '    ids: { hall: "45030000001340000099" }\n    organisation: [{ id: "45030000002160000001", name: 教学楼 }]',
  );
  const before = JSON.parse((await run('gb28181', 'ids', file, '--json')).stdout);
  expect(before.filter(({ id }: { id: unknown }) => id !== null)).toHaveLength(3);
  const journal = await journalIn(directory);
  await journal.numbers('132', ['yard']);
  await journal.numbers('134', ['old/3', 'beams/button']);
  const { status, stdout } = await run('gb28181', 'ids', file);
  expect(status).toBe(0);
  expect(stdout.split('\n').map((line) => line.trim().replace(/ {2,}/g, '|'))).toEqual([
    'platform gb',
    '45030000001180000007|gateway|一中',
    '45030000002160000001|organisation|教学楼',
    '45030000001320000001|camera|yard|操场',
    '-|alarm input|yard|操场',
    '45030000001340000099|alarm input|hall',
    '-|alarm input|beams',
    '45030000001340000002|alarm input|beams/button|校长室一键报警',
    '45030000001340000001|alarm input|old/3|not in the config',
    '',
  ]);
  const json = JSON.parse((await run('gb28181', 'ids', file, '--json', '--uplink', 'gb')).stdout);
  expect(json).toContainEqual({
    ...{ uplink: 'gb', id: '45030000001340000002', type: 'alarm-input' },
    ...{ name: 'beams/button', title: '校长室一键报警', device: 'beams' },
  });
  expect((await run('gb28181', 'ids', file, '--uplink', 'x')).stderr).toContain('there are: gb');
});

it.each([
  ['video: [yrad]', 'video[0]', 'yard'],
  ['ids: { "beams/buton": "45030000001340000099" }', 'beams/buton', 'beams/button'],
  ['ids: { beams: "45030000001320000099" }', 'ids.beams', 'there is no camera beams; there are: yard, hall'],
  [
    'organisation: [{ id: "45030000002160000001", name: x, holds: [yrad] }]',
    'organisation[0].holds[0]',
    'yard, hall, beams, beams/button',
  ],
])('what is not on the campus is told: %s', (line, path, hint) => {
  const { file } = written(`    ${line}`, line.startsWith('video') ? '' : 'video: [yard]');
  const loaded = readConfig(file);
  const messages = 'errors' in loaded ? loaded.errors.map(({ message }) => message) : [];
  expect(messages).toHaveLength(1);
  expect(messages[0]).toContain(path);
  expect(messages[0]).toContain(hint);
});
