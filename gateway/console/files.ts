/** What a browser gets of pages/, by name and no other way; scripts and styles are read once. */
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply } from 'fastify';

const directory = join(import.meta.dirname, 'pages');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};
const typeOf = (name: string) => types[extname(name)] ?? '';

export type PageName = 'live.html';

export const sendPage = (reply: FastifyReply, name: PageName) =>
  reply.type(typeOf(name)).send(readFileSync(join(directory, name), 'utf8'));

/** The scripts and styles of the pages. */
export function readAssets() {
  const own = ['console.css', 'common.js', 'live.js'];
  const paths = new Map(own.map((name) => [name, join(directory, name)]));
  paths.set('jsmpeg.js', fileURLToPath(import.meta.resolve('@cycjimmy/jsmpeg-player')));
  const assets = new Map([...paths].map(([name, path]) => [name, readFileSync(path)]));
  return {
    send(reply: FastifyReply, name: string) {
      const found = assets.get(name);
      return found === undefined ? reply.code(404).send() : reply.type(typeOf(name)).send(found);
    },
  };
}
