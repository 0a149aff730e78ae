import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readProfiles } from '../../drivers/onvif/channels.ts';
import { wholeJpeg } from '../../drivers/onvif/jpeg.ts';
import { forPtz, forVideo } from '../../drivers/onvif/profiles.ts';
import { jpeg, soap } from './onvif-peer.ts';

// ITU-T T.81, annex B: an image has SOI, a frame with its size, a scan, EOI.
describe('a JPEG', () => {
  it('is whole with a frame, a scan and an end; what stands around it is left out or harmless', () => {
    expect(wholeJpeg(jpeg)).toEqual(jpeg);
    expect(wholeJpeg(Buffer.concat([Buffer.from('\r\n'), jpeg]))).toEqual(jpeg);
    expect(wholeJpeg(Buffer.concat([jpeg, Buffer.from('\r\n')]))).toBeDefined();
  });

  it.each([
    ['the first 40 bytes', jpeg.subarray(0, 40)],
    ['all but its end', jpeg.subarray(0, -2)],
    ['a beginning and an end', Buffer.from('ffd8ffd9', 'hex')],
    ['a page', Buffer.from('<html>')],
    ['nothing', Buffer.alloc(0)],
  ])('is not whole of %s', (_name, bytes) => {
    expect(wholeJpeg(bytes)).toBeUndefined();
  });

  it('is judged of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(jpeg.length), (bytes, at) => {
        wholeJpeg(Buffer.concat([jpeg.subarray(0, at), bytes]));
        wholeJpeg(Buffer.from(bytes));
      }),
    );
  });
});

// media.wsdl: GetProfilesResponse; tt:Profile of onvif.xsd: each configuration is optional.
describe('the profile of a channel', () => {
  const source = (of: string) =>
    `<tt:VideoSourceConfiguration token="C${of}"><tt:SourceToken>${of}</tt:SourceToken></tt:VideoSourceConfiguration>`;
  const encoder = '<tt:VideoEncoderConfiguration token="E"/>';
  const ptz = '<tt:PTZConfiguration token="T"/>';
  const profilesOf = (...all: readonly string[]) =>
    readProfiles(
      soap(
        `<trt:GetProfilesResponse>${all.map((one, i) => `<trt:Profiles token="P${i + 1}">${one}</trt:Profiles>`).join('')}</trt:GetProfilesResponse>`,
      ),
    );

  it('is the first that has video, and the first that turns', () => {
    const profiles = profilesOf('', source('1') + encoder, source('1') + encoder + ptz);
    expect([forVideo(undefined, profiles), forPtz(undefined, profiles)]).toEqual(['P2', 'P3']);
    expect([forVideo('P3', profiles), forPtz('P2', profiles)]).toEqual(['P3', 'P3']);
  });

  it('is never of another channel', () => {
    const profiles = profilesOf(source('1') + encoder, source('2') + encoder + ptz);
    expect([forPtz(undefined, profiles), forPtz('P1', profiles)]).toEqual(['P1', 'P1']);
  });

  it('is the first, or the one that is named, where none says what it has', () => {
    expect([forVideo(undefined, profilesOf('', '')), forPtz('P2', profilesOf('', ''))]).toEqual(['P1', 'P2']);
    expect([forVideo(undefined, []), forPtz('P9', [])]).toEqual([undefined, 'P9']);
  });
});
