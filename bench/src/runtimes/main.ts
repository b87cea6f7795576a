/**
 * `npm run bench:runtimes`: the benches of verification and of guards on each supported version of
 * Node, as one table of ratios. `-- --node 20 --node 24` chooses versions.
 */
import { parseArgs } from 'node:util'
import { frameworksBesidePeers } from '../http/messages.js'
import { flagOptions, publish } from '../publish.js'
import { ratioTable } from './ratio-table.js'
import type { HttpReport, RuntimeReport, VerificationReport } from './reports.js'
import { runBench } from './run-bench.js'

const supported = ['20', '22', '24', '26']

const {
  quick,
  json,
  'print-only': printOnly,
  node,
} = parseArgs({
  options: { ...flagOptions, node: { type: 'string', multiple: true, default: supported } },
}).values

const reports: RuntimeReport[] = []
for (const version of node) {
  // One at a time: each bench uses all processors.
  const flags = quick ? ['--quick'] : []
  const verification = await runBench<VerificationReport>(version, 'verification', flags)
  // Fewer rounds and frameworks than in `bench:http`, which would take half an hour for all versions.
  const some = ['--frameworks', frameworksBesidePeers.join(',')]
  const http = await runBench<HttpReport>(version, 'http', [...some, ...(quick ? flags : ['--rounds', '5'])])
  reports.push({ node: verification.machine.node, verification, http })
}
await publish({
  name: 'runtimes',
  flags: { quick, json, printOnly },
  nodes: reports.map((report) => report.node),
  results: { runtimes: reports },
  tables: [ratioTable(reports)],
})
