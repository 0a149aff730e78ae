/**
 * What a platform's consumer is tried by: each trial sends what a gateway may send (docs/platform.md), and looks at what comes
 * back. They go one after the other, on one campus; each leaves its chains complete.
 */
import { createHash } from 'node:crypto';
import { laterTrials } from './later.ts';
import type { Played, Stage } from './stage.ts';
import { orUnconfirmed, type Trial, type Words } from './trial.ts';

/** Sends some of a lane with one left out. @returns it, and the last one. */
async function leaveOneOut(stage: Stage, lane: 'urgent' | 'normal') {
  await stage.send(lane, 3);
  const missing = stage.make(lane);
  const [, , last] = await stage.send(lane, 3);
  return { missing, last: last as Played };
}

const untilAsked = (stage: Stage, from: number, { lane, journal, sequence, previous }: Played) =>
  stage.until(() =>
    stage.asked
      .slice(from)
      .find(
        (one) =>
          one.lane === lane && one.journal === journal && one.after <= previous && one.upTo >= sequence,
      ),
  );

const wrongReplay = (stage: Stage, { previous, sequence, lane }: Played): Words => {
  const said = stage.asked.at(-1);
  const asked = said === undefined ? '' : `; ${said.lane} ${said.after}-${said.upTo}`;
  return [
    `it did not ask for a replay of ${lane} after ${previous} up to ${sequence}${asked}`,
    `没有请求补发 ${lane} 中 ${previous} 之后到 ${sequence} 的事件${asked}`,
  ];
};

export const trials: readonly Trial[] = [
  {
    name: 'receipts',
    what: ['events in their order are confirmed', '按序到达的事件得到回执'],
    async run(stage) {
      const events = [...(await stage.send('normal', 20)), ...(await stage.send('urgent', 5))];
      return (await orUnconfirmed(events[19], stage)) ?? (await orUnconfirmed(events[24], stage));
    },
  },
  {
    name: 'all-lanes',
    what: ['one receipt names all lanes', '一条回执包含所有通道'],
    async run(stage) {
      const [event] = await stage.send('normal');
      const problem = await orUnconfirmed(event, stage);
      if (problem !== undefined) return problem;
      const said = stage.receipts.at(-1);
      return said?.upTo.urgent !== undefined && said.upTo.normal !== undefined
        ? undefined
        : [
            'the last receipt does not name urgent and normal: retained, only the last one stays for a gateway that comes back',
            '最后一条回执未同时包含 urgent 和 normal：保留消息只留最后一条，网关重连后只能看到它',
          ];
    },
  },
  {
    name: 'again',
    what: ['what comes a second time is confirmed again', '重复到达的事件再次得到回执'],
    async run(stage) {
      const events = await stage.send('normal', 3);
      const problem = await orUnconfirmed(events[2], stage);
      if (problem !== undefined) return problem;
      const before = stage.receipts.length;
      for (const event of events) await stage.publish(event);
      const again = await stage.until(() =>
        stage.receipts.slice(before).find(({ upTo }) => (upTo.normal ?? 0) >= (events[2]?.sequence ?? 0)),
      );
      return again === undefined
        ? [
            'no receipt after a duplicate: the first one may have been lost, and the gateway sends for ever',
            '重复事件后没有回执：前一条回执可能丢失，网关会一直重发',
          ]
        : undefined;
    },
  },
  {
    name: 'online',
    what: ['a gateway that comes online is told again', '网关上线后再次发送回执'],
    async run(stage) {
      const before = stage.receipts.length;
      await stage.online();
      const again = await stage.until(() => stage.receipts[before]);
      return again === undefined
        ? ['no receipt after `online` on presence', '收到 presence 的 online 后没有回执']
        : undefined;
    },
  },
  {
    name: 'gap',
    what: ['a gap is not confirmed, and is asked for', '缺口不确认，并请求补发'],
    async run(stage) {
      const from = stage.asked.length;
      const { missing, last } = await leaveOneOut(stage, 'normal');
      const asked = await untilAsked(stage, from, missing);
      if (stage.confirmed('normal') >= missing.sequence)
        return [
          `it confirmed ${stage.confirmed('normal')}, and never got ${missing.sequence}: that event is lost`,
          `它确认到 ${stage.confirmed('normal')}，却从未收到 ${missing.sequence}：该事件丢失`,
        ];
      if (asked === undefined) return wrongReplay(stage, missing);
      await stage.answer(asked, [missing]);
      return await orUnconfirmed(last, stage);
    },
  },
  {
    name: 'gone',
    what: ['a gap that is gone is noted, and passed', '无法补发的缺口记录后继续'],
    async run(stage) {
      const { missing, last } = await leaveOneOut(stage, 'normal');
      let answered = stage.asked.length - 1;
      const passed = await stage.until(() => {
        const asked = stage.asked[answered + 1];
        if (asked !== undefined) {
          answered++;
          void stage.answer(asked, []);
        }
        return stage.confirmed('normal') >= last.sequence ? true : undefined;
      });
      return passed === true
        ? undefined
        : [
            `it stays before ${missing.sequence}, which is gone: the campus sends for ever what comes after it`,
            `它停在已不存在的 ${missing.sequence} 之前：校园将一直重发其后的事件`,
          ];
    },
  },
  {
    name: 'lanes',
    what: ['a gap in one lane does not hold up the other', '一个通道的缺口不影响另一个'],
    async run(stage) {
      const from = stage.asked.length;
      const { missing, last } = await leaveOneOut(stage, 'normal');
      const [alarm] = await stage.send('urgent');
      const held = await orUnconfirmed(alarm, stage);
      if (held !== undefined) return held;
      if (stage.confirmed('normal') >= missing.sequence)
        return [
          'the receipt of urgent confirmed what is missing in normal',
          'urgent 的回执确认了 normal 中缺少的事件',
        ];
      const asked = await untilAsked(stage, from, missing);
      if (asked === undefined) return wrongReplay(stage, missing);
      await stage.answer(asked, [missing]);
      return await orUnconfirmed(last, stage);
    },
  },
  {
    name: 'from-memory',
    what: ['an alarm without a number comes again with one', '没有编号的报警带编号再次到达'],
    async run(stage) {
      const alarm = stage.make('urgent');
      await stage.publish({ ...alarm, sequence: 0, previous: 0 });
      await stage.publish(alarm);
      return await orUnconfirmed(alarm, stage);
    },
  },
  {
    name: 'new-journal',
    what: [
      'a new numbering begins at "0", with what was not confirmed',
      '新的编号从 "0" 开始，并包含未确认的事件',
    ],
    async run(stage) {
      const before = await stage.send('normal', 2);
      const problem = await orUnconfirmed(before[1], stage);
      if (problem !== undefined) return problem;
      stage.renumber(1000);
      await stage.online();
      const same = before.map((event) => ({ ...stage.make('normal'), id: event.id }));
      for (const event of same) await stage.publish(event);
      const [fresh] = await stage.send('normal');
      return await orUnconfirmed(fresh, stage);
    },
  },
  {
    name: 'erased',
    what: ['an event that names nobody any more is the same event', '删除个人信息后的同一事件仍视为同一事件'],
    async run(stage) {
      const passage = stage.make('normal', { details: { holder: 't-017' } });
      await stage.publish(passage);
      const problem = await orUnconfirmed(passage, stage);
      if (problem !== undefined) return problem;
      await stage.publish({ ...passage, data: { ...passage.data, details: {} } });
      const [next] = await stage.send('normal');
      return await orUnconfirmed(next, stage);
    },
  },
  {
    name: 'same-id',
    what: [
      'an id that another campus used before is an event of this one too (look whether both are stored)',
      '其他校园用过的 id 在本校园仍是另一个事件（请检查两个是否都已保存）',
    ],
    async run(stage) {
      const other = await stage.another();
      try {
        const own = stage.make('urgent');
        const theirs = { ...other.make('urgent'), id: own.id };
        await other.publish(theirs);
        const problem = await orUnconfirmed(theirs, other);
        if (problem !== undefined) return problem;
        await stage.publish(own);
        const [next] = await other.send('urgent');
        return (await orUnconfirmed(own, stage)) ?? (await orUnconfirmed(next, other));
      } finally {
        await other.close();
      }
    },
  },
  ...laterTrials,
  {
    name: 'garbage',
    what: ['what is no event is passed over', '忽略不是事件的内容'],
    async run(stage) {
      for (const text of ['', '{"id":', '[]', 'null', '{"id":1,"sequence":"x"}', '\u0000\uffff'.repeat(100)])
        await stage.publishText('event/alarm/conform-panel', text);
      const [alarm] = await stage.send('urgent');
      return await orUnconfirmed(alarm, stage);
    },
  },
  {
    name: 'pictures',
    what: ['a picture in pieces is confirmed, piece by piece', '分片图片逐片得到回执'],
    async run(stage) {
      const file = Buffer.alloc(3000, 'picture');
      const picture = createHash('sha256').update(file).digest('hex');
      const pieces = [0, 1, 2].map((part) =>
        stage.make('bulk', {
          ...{ picture, contentType: 'image/jpeg', bytes: file.length, part: part + 1, parts: 3 },
          content: file.subarray(part * 1000, (part + 1) * 1000).toString('base64'),
        }),
      );
      for (const piece of pieces) await stage.publish(piece);
      return await orUnconfirmed(pieces[2], stage);
    },
  },
  {
    name: 'nothing-more',
    what: ['it never confirms what it did not get', '从不确认未收到的事件'],
    async run(stage) {
      for (const { journal, upTo } of stage.receipts)
        if (
          journal === stage.journal() &&
          Math.max(...Object.values(upTo).map((n) => n ?? 0)) > stage.highest()
        )
          return [`it confirmed more than ${stage.highest()}`, `它确认的编号超过 ${stage.highest()}`];
      const [odd] = stage.odd;
      return odd === undefined
        ? undefined
        : [`a receipt that no gateway understands: ${odd}`, `网关无法理解的回执：${odd}`];
    },
  },
];
