/** Trials of what changes over the years: what a later version of the contract adds, master data that change, and are taken back. */
import type { CampusData } from '../../drivers/contract/campus.ts';
import { campusMessageOf } from '../../drivers/platforms/mqtt/campus.ts';
import type { Stage } from './stage.ts';
import { orUnconfirmed, type Trial, type Words } from './trial.ts';

/** Whether events go on being taken after what was sent; `why`: what it stumbles over. */
async function goesOn(stage: Stage, [en, zh]: Words): Promise<Words | undefined> {
  const [alarm] = await stage.send('urgent');
  const problem = await orUnconfirmed(alarm, stage);
  return problem && [`${en}: ${problem[0]}`, `${zh}：${problem[1]}`];
}

const school = (id: string): CampusData => ({
  ...{ id, name: 'conform', district: '450305', address: '模拟路1号' },
  coordinates: { latitude: 25.25, longitude: 110.32, datum: 'GCJ-02' },
  contacts: [{ role: 'guard-house', phone: '0773-0000000' }],
});
const showCampus = (stage: Stage, message: object) => stage.show('campus', JSON.stringify(message));

export const laterTrials: readonly Trial[] = [
  {
    name: 'unknown',
    what: ['types and members that a later version adds are kept', '后续版本新增的类型和字段也要保存'],
    async run(stage) {
      const later = stage.make('normal', { later: { nested: [1, '二'] } }, 'video.of-a-later-version');
      await stage.publish(later);
      return await orUnconfirmed(later, stage);
    },
  },
  {
    name: 'later-class',
    what: [
      'events of a class that a later version adds are kept: they are in the chains, too',
      '后续版本新增类别的事件也要保存：它们同样在序列中',
    ],
    async run(stage) {
      const later = stage.make('urgent', {}, 'later.of-a-later-version');
      await stage.publish({ ...later, topic: 'event/later/conform-panel' });
      const problem = await orUnconfirmed(later, stage);
      return (
        problem && [
          `subscribe to event/#, not to the classes of today: ${problem[0]}`,
          `请订阅 event/#，而不是现有的类别：${problem[1]}`,
        ]
      );
    },
  },
  {
    name: 'later-topics',
    what: [
      'topics, members and words of a later version disturb nothing',
      '后续版本的主题、字段和取值不影响接收',
    ],
    async run(stage) {
      const later = { later: { nested: [1, '二'] } };
      await stage.show('later', JSON.stringify(later));
      await stage.publishText('later/conform-panel', 'no JSON');
      const active = [{ type: 'cn.campus.later.thing', kind: 'of-a-later-version', sequence: '1', ...later }];
      await stage.show(
        'state/conform-panel',
        JSON.stringify({ state: 'of-a-later-version', active, ...later }),
      );
      const problem = await goesOn(stage, ['after topics of a later version', '收到后续版本的主题后']);
      if (problem !== undefined) return problem;
      const before = stage.receipts.length;
      await stage.online({ contract: '1.999.0', ends: '2036-12-31', ...later });
      const again = await stage.until(() => stage.receipts[before]);
      return again === undefined
        ? [
            'no receipt after an `online` with members of a later version',
            '收到带后续版本字段的 online 后没有回执',
          ]
        : undefined;
    },
  },
  {
    name: 'campus',
    what: ['master data come, change, and lose members', '校园主数据出现、变更、减少字段'],
    async run(stage) {
      const { contacts, coordinates, ...less } = school(stage.campus);
      for (const data of [
        school(stage.campus),
        { ...less, coordinates },
        { ...less, contacts, address: '新校区' },
      ])
        await showCampus(stage, campusMessageOf(data));
      const [{ version: _version, ...message }, later] = [campusMessageOf(less), { later: ['二'] }];
      await showCampus(stage, {
        version: '1',
        ...message,
        ...later,
        contacts: [{ role: 'later', phone: '1' }],
      });
      await showCampus(stage, { version: '2', revision: '0', id: stage.campus, name: { later } });
      return await goesOn(stage, ['after master data', '收到校园主数据后']);
    },
  },
  {
    name: 'withdrawn',
    what: ['what was retained is withdrawn: an empty message', '保留消息被撤回：空消息'],
    async run(stage) {
      await showCampus(stage, campusMessageOf(school(stage.campus)));
      for (const topic of ['campus', 'state/conform-panel', 'later', 'presence']) await stage.show(topic, '');
      const problem = await goesOn(stage, ['after an empty retained message', '收到空的保留消息后']);
      await stage.online();
      return problem;
    },
  },
];
