// echo.mjs: answers what it is told with the same, as a jobslot worker or as a child of `fork`.
if (process.send) {
  process.on('message', (message) => process.send(message))
} else {
  const { serve } = await import('../../dist/worker.js')
  serve({ echo: (value) => value })
}
