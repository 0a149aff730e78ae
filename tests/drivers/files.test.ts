import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileTooLargeError, loadBytesOf, readBytesOf, readSecretOf } from '../../drivers/files.ts';
import { temporaryDirectory } from '../helpers.ts';

function fileOf(content: string | Buffer): string {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, content);
  return file;
}

describe.each([
  ['at once', async (file: string, most: number) => readBytesOf(file, most)],
  ['without waiting', loadBytesOf],
])('a file that is read %s', (_name, read) => {
  it('is what stands there, up to the most that it may be', async () => {
    for (const length of [0, 1, 65_535, 65_536, 65_537, 300_000]) {
      const content = Buffer.from(Array.from({ length }, (_, i) => i % 251));
      expect(content.equals(await read(fileOf(content), Math.max(length, 1)))).toBe(true);
    }
  });

  it('is refused where it is longer, with what and how long', async () => {
    for (const most of [10, 65_536, 1_000_000]) {
      const file = fileOf(Buffer.alloc(most + 1));
      const error = await read(file, most).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FileTooLargeError);
      expect(error).toMatchObject({ file, most, code: 'E_FILE_TOO_LARGE' });
    }
    await expect(read(fileOf(Buffer.alloc(2_000_000)), 1_048_576)).rejects.toThrow(/larger than 1 MB/);
  });

  it('that is a folder is named', async () => {
    const folder = temporaryDirectory();
    await expect(read(folder, 10)).rejects.toThrow(`${folder} is a folder, not a file`);
  });

  it('that has no end is left after what it may be', async () => {
    await expect(read('/dev/zero', 100_000)).rejects.toThrow(FileTooLargeError);
  });

  it('of the kernel, whose size is said to be 0, is read', async () => {
    expect((await read('/proc/self/limits', 100_000)).toString()).toContain('Max open files');
  });
});

describe('a secret', () => {
  it('is the first line of its file', () => {
    expect(readSecretOf(fileOf('hunter2\r\nnot this\n'))).toBe('hunter2');
    expect(readSecretOf(fileOf('密码'))).toBe('密码');
  });

  it('has no BOM before it and no CR after it, as Notepad writes them', () => {
    for (const text of ['\ufeffhunter2\r\n', '\ufeffhunter2', 'hunter2\r', 'hunter2\n'])
      expect(readSecretOf(fileOf(text))).toBe('hunter2');
  });

  it('is never nothing', () => {
    for (const text of ['', '\n', '\r\n', ' \n', '\ufeff', '\ufeff\r\n'])
      expect(() => readSecretOf(fileOf(text))).toThrow(/file: the file is empty$/);
    expect(() => readSecretOf(fileOf('\nhunter2\n'))).toThrow(/file: its first line is empty$/);
  });

  it('is in no folder, which is named', () => {
    const folder = temporaryDirectory();
    expect(() => readSecretOf(folder)).toThrow(`${folder} is a folder, not a file`);
  });
});
