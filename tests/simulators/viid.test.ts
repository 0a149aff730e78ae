/** The simulated view library of GA/T 1400: as a client that was written by hand sees it, and as the gateway's uplink does. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startViid, type ViidOptions } from '../../simulators/viid.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { DEVICE_ID, jpeg, viewCampus } from '../drivers/gat1400-campus.ts';
import { eventually, stream, temporaryDirectory } from '../helpers.ts';

const LIBRARY = '34020000002000000001';
const SHOT = '20261128233000';
/** GA/T 1400.1, tables 3 and 4. */
const imageId = (serial: number) => `${DEVICE_ID}02${SHOT}${String(serial).padStart(5, '0')}`;
const faceId = (serial: number) => `${imageId(serial)}0600001`;

async function started(own: Partial<ViidOptions> = {}) {
  const told = stream<string>();
  const folder = temporaryDirectory();
  const library = await startViid({
    ...{ host: '127.0.0.1', port: 0, id: LIBRARY, password: 'secret', folder },
    ...{ say: (en: string) => en, tell: told.push, ...own },
  });
  onTestFinished(() => library.close());
  const url = `http://127.0.0.1:${library.port}`;
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/VIID+JSON', 'user-identify': DEVICE_ID, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
  };
  const register = async (password = 'secret') => {
    const path = '/VIID/System/Register';
    const wanted = { RegisterObject: { DeviceID: DEVICE_ID } };
    const first = await post(path, wanted);
    const challenge = first.headers.get('www-authenticate') ?? '';
    const of = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
    // RFC 2617, 3.2.2.
    const md5 = (text: string) => createHash('md5').update(text).digest('hex');
    const secret = md5(`${DEVICE_ID}:${of('realm')}:${password}`);
    const response = md5(`${secret}:${of('nonce')}:00000001:c:auth:${md5(`POST:${path}`)}`);
    return await post(path, wanted, {
      authorization: `Digest username="${DEVICE_ID}", realm="${of('realm')}", nonce="${of('nonce')}", uri="${path}", qop=auth, nc=00000001, cnonce="c", response="${response}"`,
    });
  };
  return { library, told, folder, url, post, register };
}

const face = (serial: number, more: object = {}, data = jpeg(30_000)) => ({
  FaceID: faceId(serial),
  SourceID: imageId(serial),
  DeviceID: DEVICE_ID,
  SubImageList: {
    SubImageInfoObject: [
      {
        ...{ ImageID: imageId(serial), Type: '11', FileFormat: 'Jpeg', ShotTime: SHOT },
        Data: data.toString('base64'),
      },
    ],
  },
  ...more,
});
const faces = (...all: readonly object[]) => ({ FaceListObject: { FaceObject: all } });
const statusesOf = (body: {
  ResponseStatusListObject: { ResponseStatusObject: readonly { StatusCode: number; Id: string }[] };
}) => body.ResponseStatusListObject.ResponseStatusObject.map(({ StatusCode, Id }) => [StatusCode, Id]);

describe('a simulated view library', () => {
  it('lets in who knows the password, and tells its time', async () => {
    const { register, told, url, post } = await started();
    expect((await register('guess')).status).toBe(401);
    expect((await register('guess')).status).toBe(401);
    const answer = await register();
    expect(answer).toMatchObject({
      status: 200,
      body: { ResponseStatusObject: { StatusCode: 0, Id: DEVICE_ID, RequestURL: '/VIID/System/Register' } },
    });
    expect(told.rest()).toEqual([`${DEVICE_ID} was refused: a wrong password`, `${DEVICE_ID} is registered`]);
    const time = await fetch(`${url}/VIID/System/Time`, { headers: { 'user-identify': DEVICE_ID } });
    expect(await time.json()).toMatchObject({
      SystemTimeObject: { LocalTime: expect.stringMatching(/^\d{14}$/) },
    });
    expect(
      (await post('/VIID/System/UnRegister', { UnRegisterObject: { DeviceID: DEVICE_ID } })).status,
    ).toBe(200);
    expect(told.rest()).toEqual([`${DEVICE_ID} has left`]);
    expect((await post('/VIID/System/Keepalive', { KeepaliveObject: { DeviceID: DEVICE_ID } })).status).toBe(
      401,
    );
  });

  it('keeps what is good of ten objects, says what is wrong with the others, and knows what came again', async () => {
    const { register, told, folder, post, library } = await started();
    await register();
    told.rest();
    const bad = [
      face(2, { FaceID: '1' }),
      face(3, {}, Buffer.from('no picture')),
      face(4, { SubImageList: {} }),
    ];
    const { status, body } = await post('/VIID/Faces', faces(face(1), ...bad, face(5)));
    expect(status).toBe(200);
    expect(statusesOf(body)).toEqual([
      ...[
        [0, faceId(1)],
        [4, '1'],
        [4, faceId(3)],
        [4, faceId(4)],
        [0, faceId(5)],
      ],
    ]);
    expect(told.rest()).toEqual([
      `face  ${SHOT}  ${faceId(1)}  device ${DEVICE_ID}  11 30 KB`,
      expect.stringContaining('! FaceID is no 48 digits'),
      expect.stringContaining('! Data is no JPEG or PNG'),
      expect.stringContaining('! there is no picture in SubImageList'),
      `face  ${SHOT}  ${faceId(5)}  device ${DEVICE_ID}  11 30 KB`,
    ]);
    expect(readdirSync(folder).sort()).toEqual([
      `face-${imageId(1)}-11-0.jpg`,
      `face-${imageId(5)}-11-0.jpg`,
    ]);
    expect(readFileSync(join(folder, `face-${imageId(5)}-11-0.jpg`))).toEqual(jpeg(30_000));
    await post('/VIID/Faces', faces(face(1)));
    expect(told.rest()[0]).toMatch(/\(again\)$/);
    await library.do('counts');
    expect(told.rest()).toEqual(['2 objects, 1 of them again, 3 refused, 3 pictures, 0 keepalives']);
  });

  it('takes an image of 5 MB, and persons and vehicles', async () => {
    const { register, post, folder, told } = await started();
    await register();
    const large = jpeg(5_000_000);
    const image = {
      ImageInfo: { ImageID: imageId(7), DeviceID: DEVICE_ID, Type: '14', FileFormat: 'Jpeg', ShotTime: SHOT },
      Data: large.toString('base64'),
    };
    const { body } = await post('/VIID/Images', { ImageListObject: { Image: [image] } });
    expect(statusesOf(body)).toEqual([[0, imageId(7)]]);
    expect(readFileSync(join(folder, `image-${imageId(7)}-14-0.jpg`)).equals(large)).toBe(true);
    const { FaceID: _, ...seen } = face(8);
    const person = { PersonListObject: { PersonObject: [{ ...seen, PersonID: faceId(8) }] } };
    expect(statusesOf((await post('/VIID/Persons', person)).body)).toEqual([[0, faceId(8)]]);
    const vehicle = {
      MotorVehicleListObject: { MotorVehicleObject: { ...seen, MotorVehicleID: faceId(9) } },
    };
    expect(statusesOf((await post('/VIID/MotorVehicles', vehicle)).body)).toEqual([[0, faceId(9)]]);
    expect(told.rest().map((line) => line.split(' ')[0])).toEqual([DEVICE_ID, 'image', 'person', 'vehicle']);
  });
});

describe('a simulated view library in trouble', () => {
  it('refuses each so many, forgets, answers late', async () => {
    const { register, post, told, library } = await started({ time: fastClock(20) });
    await register();
    await library.do('refuse-every 2');
    const { body } = await post('/VIID/Faces', faces(face(1), face(2), face(3)));
    expect(statusesOf(body).map(([code]) => code)).toEqual([0, 1, 0]);
    expect(told.rest().at(-2)).toMatch(/! refused as told$/);
    await library.do('forget');
    expect((await post('/VIID/Faces', faces(face(4, {}, jpeg(4_000_000))))).status).toBe(401);
    await library.do('slow 10s');
    const begun = performance.now();
    await register();
    expect(performance.now() - begun).toBeGreaterThan(900);
  });

  it('tells who is silent, and who is heard again', async () => {
    const time = manualClock();
    const { register, post, told } = await started({ time });
    await register();
    told.rest();
    await time.advance(200_000);
    expect(told.rest()).toEqual([`${DEVICE_ID}: nothing heard for 180 s`]);
    await post('/VIID/System/Keepalive', { KeepaliveObject: { DeviceID: DEVICE_ID } });
    expect(told.rest()).toEqual([`${DEVICE_ID} is heard again`]);
  });

  it('lives through whatever comes', async () => {
    const { register, post } = await started();
    await register();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/VIID/Faces', '/VIID/Images', '/VIID/System/Keepalive', '/VIID/x', '/'),
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"FaceListObject":{"FaceObject":[{"SubImageList":${json}}]}}`),
          fc.json().map((json) => `{"ImageListObject":{"Image":${json}}}`),
        ),
        async (path, body) => {
          expect((await post(path, body)).status).toBeLessThan(500);
        },
      ),
    );
    expect(statusesOf((await post('/VIID/Faces', faces(face(1)))).body)).toEqual([[0, faceId(1)]]);
  });
});

it("takes what the gateway's uplink sends, over a registration that is forgotten", async () => {
  const { url, told, folder, library } = await started();
  const { face: pass } = await viewCampus(url, { faces: true });
  await pass('1001');
  expect(await told.next()).toBe(`${DEVICE_ID} is registered`);
  expect(await told.next()).toMatch(/^face {2}\d{14} {2}\d{48} {2}device \d{20} {2}11 1 KB$/);
  await library.do('forget');
  await pass('1002', jpeg(5000));
  await told.find((line) => line === `${DEVICE_ID} is registered`);
  expect(await told.next()).toMatch(/^face .* 11 5 KB$/);
  await eventually(() => expect(readdirSync(folder)).toHaveLength(2));
});
