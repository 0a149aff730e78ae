/** A door on a real gateway that is killed while the door opens; a platform that asks again until it has its answer. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import modbusSerial from 'modbus-serial';
import { connectAsync } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { type GatewayProcess, gateway, mosquitto, need, until } from './tools.ts';

const PREFIX = 'campus/v1/4503000001';

describe('a signed command', { timeout: 60_000 }, () => {
  it('moves a door once, though the gateway is killed while the door opens', async (context) => {
    need(context, 'mosquitto', 'openssl');
    const broker = await mosquitto();
    const directory = temporaryDirectory();
    // The platform's key is openssl's, and so is its signature.
    const key = join(directory, 'duty.key');
    const publicKey = join(directory, 'duty.pem');
    execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', key]);
    execFileSync('openssl', ['pkey', '-in', key, '-pubout', '-out', publicKey]);
    const message = join(directory, 'message');
    const sign = (text: string) => {
      writeFileSync(message, text);
      return execFileSync('openssl', ['pkeyutl', '-sign', '-rawin', '-inkey', key, '-in', message]);
    };

    // The door is modbus-serial's; with its first move it takes the gateway with it.
    const port = await freePort();
    const moves: boolean[] = [];
    let daemon: GatewayProcess | undefined;
    let deadly = true;
    const door = new modbusSerial.ServerTCP(
      {
        getDiscreteInput: () => false,
        setCoil(_address: number, on: boolean) {
          moves.push(on);
          if (on && deadly) daemon?.child.kill('SIGKILL');
        },
      },
      { host: '127.0.0.1', port, unitID: 1 },
    );
    await new Promise<void>((resolve) => door.on('initialized', () => resolve()));
    onTestFinished(() => new Promise<void>((resolve) => door.close(() => resolve())));

    const config = {
      campus: { id: '4503000001', name: '一中' },
      dataDir: join(directory, 'data'),
      uplinks: [
        {
          id: 'police',
          url: `mqtt://127.0.0.1:${broker.port}`,
          reconnectSpread: '1s',
          commands: [{ actions: ['unlock'], targets: ['gate'], issuers: ['duty'], signed: true }],
          replyTopics: ['answers'],
          commandKeys: [{ issuer: 'duty', publicKeyFile: publicKey }],
        },
      ],
      devices: [
        {
          id: 'gate',
          driver: 'modbus',
          connection: { tcp: `127.0.0.1:${port}` },
          profile: 'io-8zone',
          outputs: [{ id: 'door', kind: 'door', coil: 0, moment: '1s' }],
        },
      ],
    };
    const platform = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, { protocolVersion: 5 });
    onTestFinished(() => platform.endAsync(true).then(() => {}));
    const replies: { id: string; done: boolean; unknown?: boolean; reason?: string }[] = [];
    const events: { type: string; data: { details?: { id?: string; unknown?: boolean } } }[] = [];
    platform.on('message', (topic, payload) => {
      (topic === 'answers' ? replies : events).push(JSON.parse(payload.toString()));
    });
    await platform.subscribeAsync(['answers', `${PREFIX}/event/command/#`], { qos: 1 });
    const now = Date.now();
    const canonical = (id: string) =>
      `{"action":"unlock","arguments":{"output":"door"},"audience":"4503000001","expiresAt":"${new Date(now + 600_000).toISOString()}","id":"${id}","issuedAt":"${new Date(now).toISOString()}","issuer":"duty","target":"gate"}`;
    const send = (id: string, signature = sign(canonical(id)).toString('base64url')) =>
      platform.publishAsync(
        `${PREFIX}/command/gate`,
        JSON.stringify({ ...JSON.parse(canonical(id)), signature }),
        {
          qos: 1,
          properties: { responseTopic: 'answers' },
        },
      );
    const answered = async (id: string) => {
      await until(`${id} is answered`, () => replies.some((one) => one.id === id));
      return replies.splice(0).find((one) => one.id === id);
    };
    const start = async () => {
      const before = moves.length;
      daemon = await gateway(config, directory);
      // The first word to the door is that it is locked.
      await until('the door is at rest', () => moves.length > before);
      expect(moves.at(-1)).toBe(false);
      await until('the platform is heard', async () =>
        broker.log().some((text) => text.includes(`${PREFIX}/command/+`)),
      );
    };

    await start();
    await send('forged', sign(`${canonical('forged')} `).toString('base64url'));
    expect(await answered('forged')).toMatchObject({ done: false, reason: 'its signature is not right' });
    await send('u1');
    await until('the gateway is dead', () => daemon?.child.signalCode === 'SIGKILL');
    expect(replies).toEqual([]);
    deadly = false;
    await start();
    await until('what was cut off is told', () => events.some(({ data }) => data.details?.unknown === true));
    await send('u1');
    expect(await answered('u1')).toMatchObject({ done: false, unknown: true });
    expect(moves.filter((on) => on)).toHaveLength(1);
    // Who still wants the door open asks anew.
    await send('u2');
    expect(await answered('u2')).toEqual({ id: 'u2', done: true });
    await until('it is locked again', () => moves.at(-1) === false);
    expect(moves.filter((on) => on)).toHaveLength(2);
    expect(await daemon?.stop()).toBe(0);
    // No key and no signature is in the log.
    expect(daemon?.log.join('\n')).not.toContain(readFileSync(key, 'utf8').split('\n')[1]);
  });
});
