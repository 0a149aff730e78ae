/** The one thread that owns the journal's file: questions in, answers out, in order. Started by thread.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../drivers/contract/clock.ts';
import { journalFolder } from './folder.ts';
import { createKeeper, failureOf } from './keeper.ts';
import { type Answer, flattenCommitted, type Message, unflattenEntries } from './wire.ts';

const port = parentPort;
if (port === null) throw new Error('the journal worker runs in a worker thread');
const say = (answer: Answer) => port.postMessage(answer);
const { directory } = workerData as { directory: string };
const folder = journalFolder(directory, systemClock);
const keeper = createKeeper(folder.open, {
  opened: (opened) => say({ opened }),
  unopened: (unopened) => say({ unopened }),
});

function serve(message: Message): unknown {
  if ('commit' in message) {
    const entries = unflattenEntries(message.commit);
    return flattenCommitted(keeper.answer('commit', [{ ...message.progress, entries }]));
  }
  if ('ask' in message) return keeper.answer(message.ask, message.args as []);
  try {
    keeper.close();
  } finally {
    folder.close();
    port?.unref();
  }
  return undefined;
}

keeper.start();
port.on('message', (message: Message) => {
  let answer: Answer;
  try {
    answer = { value: serve(message) };
  } catch (error) {
    answer = { error: failureOf(error) };
  }
  say(answer);
});
