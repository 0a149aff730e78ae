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
// Whatever is written from here on, by us, SQLite or ffmpeg, is for our user alone (lifecycle/private-files.ts).
process.umask(0o077);
// What runs for years gets a heap of a mini-PC's size: small enough to leave room for others, with a young generation
// that an event does not outlive. V8 takes sizes before it has a heap only, so the process begins once more: with the
// same pid and streams. Measured: 78 us of CPU an event, where --optimize-for-size took 223.
const heap = ['--max-semi-space-size=8', '--max-old-space-size=512', '--no-parallel-scavenge'];
// The console strips its own front end with Node's stripper, which says at each start that it may change.
const quiet = '--disable-warning=ExperimentalWarning';
const lasting = ['run', 'demo'].includes(process.argv[2] ?? '');
if (lasting && typeof process.execve === 'function' && !process.execArgv.includes(heap[0]))
  process.execve(process.execPath, [
    process.execPath,
    ...heap,
    quiet,
    ...process.execArgv,
    ...process.argv.slice(1),
  ]);
// TypeScript stripped once is kept: the next start is faster, and leaner by the stripper's own memory.
const { enableCompileCache } = await import('node:module');
enableCompileCache();
// A package brings plain JavaScript (packaging/strip.ts); the repository runs as it stands.
const source = new URL('./cli.ts', import.meta.url);
const { existsSync } = await import('node:fs');
const { runCommandLine } = await import(existsSync(source) ? source.href : '../dist/gateway/cli.js');
// `| head` has had enough.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 3));
process.exitCode = await runCommandLine(process.argv.slice(2));
// It could not run: what is open all the same must not keep it, or no supervisor sees that.
if (process.exitCode === 3) process.exit();
