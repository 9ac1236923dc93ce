/** A fenced block of a Markdown text. */
export interface Block {
  /** The first word behind the fence; empty where there is none. */
  language: string
  /** The other words: `no-run="why"`, `file=Makefile`, `in=checkout`; a bare word has an empty value. */
  marks: Map<string, string>
  text: string
  line: number
  /** The heading it stands under. */
  heading: string
  /** The `text` block that follows it with nothing or one paragraph between: what it prints. */
  output: string | null
}

/** @throws where a fence is not closed, for everything behind it would be taken for code. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  let heading = ''
  let open: Block | null = null
  let paragraphs = 0
  let before = ''
  for (const [i, line] of markdown.split('\n').entries()) {
    if (open) {
      if (line.startsWith('```')) {
        addTo(blocks, open, paragraphs)
        open = null
        paragraphs = 0
      } else open.text += `${line}\n`
    } else if (line.startsWith('```')) {
      const [language = '', ...rest] = line.slice(3).match(/[^\s"]+(?:"[^"]*")?/g) ?? []
      open = { language, marks: new Map(rest.map(markOf)), text: '', line: i + 1, heading, output: null }
    } else if (/^#+ /.test(line)) {
      heading = line.replace(/^#+ /, '')
      paragraphs = Number.POSITIVE_INFINITY
    } else if (line !== '' && before === '') paragraphs++
    before = line
  }
  if (open) throw new Error(`the block that begins in line ${open.line} is not closed`)
  return blocks
}

function addTo(blocks: Block[], block: Block, paragraphs: number): void {
  const last = blocks.at(-1)
  if (block.language === 'text' && last && paragraphs <= 1 && isRun(last)) last.output = block.text
  else blocks.push(block)
}

function markOf(word: string): [string, string] {
  const [, name = '', value = ''] = /^([^=]+)=?"?([^"]*)"?$/.exec(word) ?? []
  return [name, value]
}

/** Whether a block is one that runs by itself. */
export function isRun({ language, marks }: Block): boolean {
  return (language === 'sh' || language === 'js') && !marks.has('no-run') && !marks.has('file')
}

/** The targets of all links outside of blocks. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gm, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
}

/** The anchors that GitHub makes of the headings, a number behind those that come again, and those that stand as HTML. */
export function anchorsOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gm, '')
  const seen = new Map<string, number>()
  const ofHeadings = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, text]) => {
    const anchor = text!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    return before === 0 ? anchor : `${anchor}-${before}`
  })
  return [...ofHeadings, ...[...prose.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!)]
}

/** Null where all lines of `wanted` are found in `output`, in this order; else the first that is not. `…` is anything. */
export function missingLine(wanted: string, output: string): string | null {
  const lines = output.split('\n')
  for (const line of wanted.trimEnd().split('\n')) {
    const parts = line.trim().split('…').map(escapePattern)
    const pattern = new RegExp(`^${parts.join('.*')}$`)
    const at = lines.findIndex((candidate) => pattern.test(candidate.trim()))
    if (at < 0) return line
    lines.splice(0, at + 1)
  }
  return null
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
