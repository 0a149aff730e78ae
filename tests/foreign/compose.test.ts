/** The compose file of docs/, read by docker-compose, which checks it against its own schema. No container is started. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers.ts';
import { need } from '../system/tools.ts';

it('docker-compose takes the compose file of docs/', (context) => {
  need(context, 'docker-compose');
  const folder = temporaryDirectory();
  mkdirSync(join(folder, 'secrets'));
  writeFileSync(join(folder, 'secrets/police.password'), 'x');
  copyFileSync(join(import.meta.dirname, '../../docs/compose.yaml'), join(folder, 'compose.yaml'));
  const read = () => spawnSync('docker-compose', ['config'], { cwd: folder, encoding: 'utf8' });
  const { status, stdout, stderr } = read();
  expect(status, stderr).toBe(0);
  expect(stdout).toContain('network_mode: host');
  writeFileSync(join(folder, 'compose.yaml'), 'services: { gateway: { image: x, network: host } }\n');
  expect(read().status).not.toBe(0);
});
