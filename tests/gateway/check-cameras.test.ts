/** `check --ask`: what cameras say to what the config says of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCamera } from '../../simulators/camera.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

async function asked(camera: string, ...options: readonly string[]) {
  const directory = temporaryDirectory();
  const [port, rtspPort, nobody] = await Promise.all([freePort(), freePort(), freePort()]);
  const one = await startCamera({ port, rtspPort, password: 'pw' });
  onTestFinished(() => one.close());
  writeFileSync(join(directory, 'pw'), 'pw\n', { mode: 0o600 });
  const file = join(directory, 'campus.yaml');
  const at = (of: number) => `driver: onvif, host: 127.0.0.1, port: ${of}, username: admin, passwordFile: pw`;
  writeFileSync(
    file,
    `campus: { id: "4503000001", name: 一中 }
devices:
  - { id: yard, ${at(port)}, ${camera} }
  - { id: gone, ${at(nobody)} }
rules:
  - { id: r, do: [{ target: yard, action: snapshot, arguments: { preset: roof } }] }
`,
  );
  return await run('check', file, '--ask', ...options);
}

describe('check --ask', () => {
  it('says what a camera does not have, which topics a rule misspells, and who is not reached', async () => {
    const { status, stdout } = await asked(
      'source: vs9, relays: [{ id: light, token: RelayOutput0 }], events: [{ topic: RuleEngine/LineDectector, kind: intrusion, zone: 4 }]',
    );
    expect(status).toBe(1);
    expect(stdout).toContain('  ✗ it has no source vs9; it has: vs0\n');
    expect(stdout).toContain('  ✗ it has no relay RelayOutput0; it has: ro0\n');
    expect(stdout).toContain(
      'it tells no topic RuleEngine/LineDectector; did you mean RuleEngine/LineDetector?\n',
    );
    expect(stdout).toMatch(/gone \(127\.0\.0\.1:\d+\): not reached: nothing listens there/);
  });

  it('says what becomes of its topics, with --explain', async () => {
    const { status, stdout } = await asked(
      'events: [{ topic: Device/Trigger/DigitalInput, kind: panic, zone: 2 }]',
      '--explain',
    );
    // The rule's preset.
    expect(status).toBe(1);
    expect(stdout).toContain('  ✗ it has no preset roof; it has: gate, yard\n');
    expect(stdout).toContain('  RuleEngine/CellMotionDetector/Motion -> video.motion\n');
    expect(stdout).toContain('  Device/Trigger/DigitalInput -> panic of zone 2, by a rule\n');
    // And without asking anybody.
    expect(stdout).toContain('\nyard zone 2 Device/Trigger/DigitalInput: panic\n  it always alarms\n');
  });
});
