import { describe, expect, it } from 'vitest';
import { foreignServer } from '../drivers/osdp-foreign.ts';
import { run } from './terminal.ts';

describe('osdp find', () => {
  it('prints a device of the config for each reader', async () => {
    const { port } = await foreignServer({ address: 5, cap: '090101' });
    const { status, stdout, stderr } = await run(
      'osdp',
      'find',
      `127.0.0.1:${port}`,
      '--answer-time',
      '100ms',
    );
    const device = `{ id: reader-5, driver: osdp, connection: { serialServer: "127.0.0.1:${port}" }, address: 5 }`;
    const about = 'maker 112233, model 1.2, serial 01020304, firmware 1.2.3; secure channel';
    expect(stdout).toBe(`- ${device} # ${about}\n`);
    expect(stderr).toBe('1 reader answered\n');
    expect(status).toBe(0);
  });

  it('says what it needs', async () => {
    expect(await run('osdp', 'find')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('HOST:PORT'),
    });
    expect(await run('osdp', 'find', '/dev/null', '--baud', 'x')).toMatchObject({ status: 2 });
    expect(await run('osdp', 'find', '127.0.0.1:9', '--baud', '9600')).toMatchObject({ status: 2 });
    expect(await run('osdp', 'find', '127.0.0.1:9', '--answer-time', '1')).toMatchObject({ status: 2 });
    const { status, stderr } = await run('osdp', 'find', '/dev/none');
    expect([status, stderr]).toEqual([3, expect.stringContaining('/dev/none')]);
  });
});
