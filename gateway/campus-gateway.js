#!/usr/bin/env node
// Plain JavaScript that any Node can read: an old one must get a sentence, not a crash in native code.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `campus-gateway needs Node 24 or later, and this is ${process.version}. ` +
      'Use "npm start" or "npx campus-gateway": the project brings its own Node.\n' +
      `campus-gateway 需要 Node 24 或更高版本，当前为 ${process.version}。` +
      '请使用 "npm start" 或 "npx campus-gateway"：项目自带 Node。\n',
  );
  process.exit(2);
}
// TypeScript stripped once is kept: the next start is faster, and leaner by the stripper's own memory.
const { enableCompileCache } = await import('node:module');
enableCompileCache();
// V8 grows its heap by what the machine has; a mini-PC has other things to do. Measured: 60 MB less while a backlog
// drains, at the same rate.
(await import('node:v8')).setFlagsFromString('--optimize-for-size');
const { runCommandLine } = await import('./cli.ts');
// `| head` has had enough.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 3));
process.exitCode = await runCommandLine(process.argv.slice(2));
