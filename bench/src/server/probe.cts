// Loaded into every server under test before its own code. CommonJS, because an ES module would
// start the thread pool, whose size Latchkey's command sets first.
process.on('message', (message: unknown) => {
  if (message !== 'usage') return
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss() })
})
// The bench may have been killed.
process.on('disconnect', () => process.exit())
