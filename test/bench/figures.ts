// @ts-expect-error: the bench is JavaScript
import { figure, point, ratio } from '../../bench/statistics.mjs'

/** What a small run of the bench would have written. */
export const figures = {
  commit: '1.2.3, commit abc1234',
  date: '2026-01-31',
  seconds: 900,
  quick: false,
  machine: {
    processor: 'A processor',
    cores: 2,
    memory: 8 * 2 ** 30,
    system: 'Debian',
    kernel: 'Linux 6.1 x64',
    fileSystem: 'ext4',
    node: 'v20.19.0',
    loadBefore: [0.1, 0.2, 0.3],
    loadAfter: [1, 1, 1],
  },
  versions: [{ name: 'p-limit', version: '7.3.3' }],
  missing: ['sem, of GNU parallel'],
  rows: [
    {
      name: 'token',
      title: 'A token taken',
      about: 'What it means.',
      tables: [
        {
          title: 'One token',
          unit: 'ns',
          figures: [figure('C', [400, 500, 600]), figure('a | b', [1500, 2000, 2500])],
          ratios: [
            ratio('speed: met', [[2], [1]], { target: { atLeast: 1 } }),
            ratio('time: not met', [[3], [1]], { target: { atMost: 2 } }),
            ratio('time: told alone', [[7], [1]]),
          ],
        },
      ],
    },
    {
      name: 'backlog',
      title: 'Many jobs',
      about: 'What they cost.',
      tables: [
        {
          title: 'The next one',
          unit: 'ns',
          figures: [
            point('ours', 100, [1e4, 2e4, 3e4]),
            point('ours', 1000, [2e4, 3e4, 4e4]),
            point('theirs', 100, [5e6]),
          ],
          curve: { file: 'pull', x: 'pending jobs', y: 'time' },
          ratios: [],
        },
      ],
    },
  ],
}

export const projects = {
  date: '2026-02-01',
  rows: [
    {
      name: 'at once',
      tables: [{ title: 'Peak memory', unit: 'bytes', figures: [figure('in a pool', [3 * 2 ** 30])], ratios: [] }],
    },
  ],
}
