import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { readOptions, USAGE } from './options.mjs'
import { build, installPeers } from './prepare.mjs'
import { asText } from './report/text.mjs'
import { ROWS } from './rows/index.mjs'

// What was started ends by itself, when its standard input does; the scratch folder is removed on `exit` alone.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const options = readOptions(process.argv.slice(2))
if (typeof options === 'string') {
  process.stderr.write(`bench: ${options}\n\n${USAGE}`)
  process.exitCode = 64
} else if (options.help) {
  process.stdout.write(USAGE)
} else {
  await run(options)
}

async function run({ report, render, projects, only, json, quick }) {
  installPeers()
  // What they load is there only now.
  const { measure } = await import('./measure.mjs')
  const { figuresFile, projectsFile, readFigures, writeFigures, writeReport } = await import('./report/write.mjs')
  // Before anything is measured: it may be wrong.
  const elsewhere = projects ?? (existsSync(projectsFile) ? projectsFile : null)
  const real = (report || render) && elsewhere ? readFigures(elsewhere) : null
  if (render !== undefined) {
    tell(await writeReport(readFigures(render), real))
    return
  }
  build()
  const figures = await measure(only.length > 0 ? ROWS.filter(({ name }) => only.includes(name)) : ROWS, { quick })
  process.stdout.write(asText(figures.rows))
  if (json !== undefined) writeFigures(json, figures)
  if (report) {
    mkdirSync(dirname(figuresFile), { recursive: true })
    writeFigures(figuresFile, figures)
    tell(await writeReport(figures, real))
  }
}

function tell(page) {
  process.stderr.write(`bench: ${page} is written\n`)
}
