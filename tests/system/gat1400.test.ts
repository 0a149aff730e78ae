/** Faces on the road to a view library: from a terminal over a gateway that is killed to the platform. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jpeg } from '../drivers/gat1400-campus.ts';
import { needPython } from '../foreign/peers.ts';
import { startLibrary } from '../foreign/viid.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { gateway, until } from './tools.ts';

describe('a view library', { timeout: 60_000 }, () => {
  it('gets each face of a terminal, in order, with one id, though the gateway is killed between a face and its answer', async (context) => {
    needPython(context, 'http.server');
    const peer = await startLibrary();
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'pw'), 'secret\n');
    writeFileSync(join(directory, 'terminal'), 's3cret\n');
    const port = await freePort();
    const config = {
      campus: { id: '4503000001', name: '一中' },
      dataDir: join(directory, 'data'),
      uplinks: [
        {
          ...{
            id: 'views',
            protocol: 'gat1400',
            url: peer.url,
            deviceId: '45030000001200000007',
            passwordFile: 'pw',
          },
          ...{ pictures: true, faces: true, reconnectSpread: '0s' },
        },
      ],
      devices: [
        {
          ...{ id: 'gate', driver: 'http-push', profile: 'hikvision-face', listen: { port } },
          ...{ username: 'face', passwordFile: 'terminal', pictures: true },
        },
      ],
    };
    const listens = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(true));
        socket.on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
      });
    /** As a terminal of Hikvision says it: face 75, with its picture. */
    const pass = async (employeeNo: number) => {
      await until('the port of terminals is open', listens);
      const form = new FormData();
      const event = {
        dateTime: '2026-11-28T23:30:00+08:00',
        AccessControllerEvent: { majorEventType: 5, subEventType: 75, employeeNo, serialNo: employeeNo },
      };
      form.append('event_log', new Blob([JSON.stringify(event)], { type: 'application/json' }));
      form.append('Picture', new Blob([jpeg(2000, [employeeNo, 100])], { type: 'image/jpeg' }), 'face.jpg');
      const authorization = `Basic ${Buffer.from('face:s3cret').toString('base64')}`;
      const answer = await fetch(`http://127.0.0.1:${port}/push/gate`, {
        method: 'POST',
        body: form,
        headers: { authorization },
      });
      expect(answer.status).toBe(200);
    };
    const widths = async () => (await peer.objects()).map(({ object }) => object?.['RightBtmX']);

    const first = await gateway(config, directory);
    await pass(1);
    await until('the first face came', async () => (await widths()).length === 1);
    // It hears the next one, and does not answer: then the gateway is gone.
    await peer.behave({ hang: 1 });
    await pass(2);
    await pass(3);
    await until('the second face came', async () => (await widths()).length === 2);
    await first.kill();
    const second = await gateway(config, directory);
    await until('all came', async () => (await widths()).length === 4);
    expect(await widths()).toEqual([1, 2, 2, 3]);
    const all = await peer.objects();
    expect(all.every(({ code, wrong }) => code === 0 && wrong === null)).toBe(true);
    // Sent again, it is the same object to the letter, its time the terminal's.
    expect(all[1]).toEqual(all[2]);
    expect(all[1]?.object).toMatchObject({
      FaceAppearTime: '20261128233000',
      DeviceID: '45030000001190000001',
    });
    expect(new Set(all.map(({ id }) => id)).size).toBe(3);
    expect(await second.stop()).toBe(0);
    const { heard } = await peer.heard();
    expect(heard.at(-1)).toMatchObject({ path: '/VIID/System/UnRegister', proof: 'good' });
  });
});
