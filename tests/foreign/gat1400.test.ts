/** GA/T 1400 with a view library in Python, which knows nothing of our code: what it lets in, refuses, forgets and breaks. */
import { expect, it, type TestContext } from 'vitest';
import { jpeg, viewCampus } from '../drivers/gat1400-campus.ts';
import { eventually } from '../helpers.ts';
import { needPython } from './peers.ts';
import { startLibrary } from './viid.ts';

const library = async (context: TestContext) => {
  needPython(context, 'http.server');
  return await startLibrary();
};

it('lets us in by a digest of ours, and takes a face as the standard makes it', async (context) => {
  const peer = await library(context);
  const { face, behind } = await viewCampus(peer.url, { faces: true });
  await face('1042', jpeg(20_000, [480, 640]));
  await eventually(async () => expect(await peer.objects()).toHaveLength(1));
  const { heard } = await peer.heard();
  expect(heard.filter(({ path }) => path.endsWith('Register')).map(({ proof }) => proof)).toEqual([
    'none',
    'good',
  ]);
  const [one] = await peer.objects();
  // What must be there is looked at by the library: `wrong` names what is not.
  expect(one).toMatchObject({ path: '/VIID/Faces', code: 0, wrong: null });
  expect(one?.id).toMatch(/^4503000000119000000102\d{14}\d{5}0600001$/);
  expect(one?.object).toMatchObject({ RightBtmX: 480, RightBtmY: 640, InfoKind: 1 });
  expect(JSON.stringify(one?.object)).not.toContain('1042');
  await eventually(() => expect(behind()).toBe(0));
});
