import { describe, expect, test } from 'vitest'
import { anchorsOf, blocksOf, isRun, linksOf, missingLine } from './markdown.ts'

const fence = '```'

describe('blocksOf', () => {
  test('language, marks, place and text', () => {
    const text = `# One\n\nWords\n\n${fence}sh in=checkout no-run="it does no good"\na\n\nb\n${fence}\n## Two\n${fence}\nx\n${fence}\n`
    expect(blocksOf(text)).toEqual([
      {
        language: 'sh',
        marks: new Map([
          ['in', 'checkout'],
          ['no-run', 'it does no good'],
        ]),
        text: 'a\n\nb\n',
        line: 5,
        heading: 'One',
        output: null,
      },
      { language: '', marks: new Map(), text: 'x\n', line: 11, heading: 'Two', output: null },
    ])
  })

  test.for([
    ['at once', '\n', 'out\n'],
    ['behind a paragraph', '\nIt prints,\nas a rule:\n\n', 'out\n'],
    ['behind two paragraphs', '\nIt prints:\n\nNo.\n\n', null],
    ['behind a heading', '\n# Other\n\n', null],
  ] as const)('what a block prints stands behind it, %s', ([, between, output]) => {
    const blocks = blocksOf(`${fence}sh\nin\n${fence}\n${between}${fence}text\nout\n${fence}\n`)
    expect(blocks[0]?.output).toBe(output)
    expect(blocks).toHaveLength(output === null ? 2 : 1)
  })

  test('a block that does not run prints nothing', () => {
    const blocks = blocksOf(`${fence}make file=Makefile\nin\n${fence}\n${fence}text\nout\n${fence}\n`)
    expect(blocks.map((block) => [isRun(block), block.output])).toEqual([
      [false, null],
      [false, null],
    ])
  })

  test('an open fence is an error', () => {
    expect(() => blocksOf(`a\n${fence}sh\nb\n`)).toThrow('line 2')
  })
})

test('linksOf leaves out what stands in blocks', () => {
  expect(linksOf(`[a](b.md#c) and [d](https://e)\n${fence}\n[f](g)\n${fence}\n`)).toEqual(['b.md#c', 'https://e'])
})

test('anchorsOf', () => {
  expect(anchorsOf(`# One: two\n${fence}\n# no\n${fence}\n## The addon's \`binary\`\n`)).toEqual([
    'one-two',
    'the-addons-binary',
  ])
  // A name that comes again, and one that stands as HTML.
  expect(anchorsOf('# Lock\n## lock()\n<a id="property-dir"></a>\n')).toEqual(['lock', 'lock-1', 'property-dir'])
})

describe('missingLine', () => {
  test.for([
    ['a\nc\n', 'a\nb\nc\n', null],
    ['c\na\n', 'a\nb\nc\n', 'a'],
    ['x: …, z', 'x: 1, y, z', null],
    ['a.b', 'axb', 'a.b'],
    ['a', 'ab', 'a'],
  ] as const)('%j in %j', ([wanted, output, missing]) => {
    expect(missingLine(wanted, output)).toBe(missing)
  })
})
