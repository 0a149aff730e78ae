/** A picture that somebody chose, as small as it needs to be; what it tells of place and camera stays behind. */
import { ApiError } from './api.ts';

/** What the server takes as it is. */
const taken = ['image/png', 'image/jpeg', 'image/webp'];
/** A plan is looked at on screens: sharper than this nobody sees. */
const SIDE_MAX = 5000;
/** Below what the server takes. */
const BYTES_MAX = 6_000_000;
const QUALITY = 0.85;

/** @throws ApiError `not-a-picture` where the browser cannot read it. */
export async function shrink(file: File): Promise<Blob> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new ApiError(0, 'not-a-picture');
  });
  const scale = Math.min(1, SIDE_MAX / Math.max(bitmap.width, bitmap.height));
  // PNG has neither a place nor a turn in it that browsers heed.
  if (scale === 1 && file.size <= BYTES_MAX && file.type === 'image/png') return file;
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const smaller = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/webp', QUALITY));
  if (smaller !== null && taken.includes(smaller.type)) return smaller;
  if (taken.includes(file.type)) return file;
  throw new ApiError(0, 'not-a-picture');
}
