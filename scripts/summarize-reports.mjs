// Prints each failure of vitest's JSON reports, then their sum: "N passed, N failed". Failures come
// last because the beginning of a long log is often cut.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

let [passed, failed] = [0, 0]
for (const path of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(path, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests
  if (report.testResults === undefined) {
    const lastLines = readFileSync(path.replace(/json$/, 'log'), 'utf8').trimEnd().split('\n').slice(-20)
    console.log(`FAILED ${basename(path, '.json')}: it has left no report. Its last lines:\n${lastLines.join('\n')}`)
  }
  for (const file of report.testResults ?? []) {
    const failures = file.assertionResults.filter((test) => test.status === 'failed')
    // A file that fails outside its tests has a message of its own.
    if (file.status === 'failed' && failures.length === 0) {
      console.log(`FAILED ${basename(path, '.json')}: ${file.name}\n${file.message}`)
    }
    for (const test of failures) {
      console.log(
        `FAILED ${basename(path, '.json')}: ${file.name} > ${test.fullName}\n${test.failureMessages.join('\n')}`,
      )
    }
  }
}
console.log(`${passed} passed, ${failed} failed`)
