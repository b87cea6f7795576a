// Prints, of vitest's JSON reports: each failure, the slowest files, the names of the failed tests,
// and their sum: "N passed, N failed". Names come last because the beginning of a long log is often
// cut.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

const linesOfMessage = 15

let [passed, failed] = [0, 0]
const slow = []
const names = []

for (const path of process.argv.slice(2)) {
  const suite = basename(path, '.json')
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(path, 'utf8'))
  passed += numPassedTests
  failed += numFailedTests
  if (testResults === undefined) {
    const lastLines = readFileSync(path.replace(/json$/, 'log'), 'utf8').trimEnd().split('\n').slice(-20)
    printFailure(`${suite}: it has left no report`, lastLines.join('\n'))
  }
  for (const file of testResults ?? []) {
    slow.push({ name: `${suite}: ${file.name}`, seconds: (file.endTime - file.startTime) / 1000 })
    const failures = file.assertionResults.filter((test) => test.status === 'failed')
    // A file that fails outside its tests has a message of its own.
    if (file.status === 'failed' && failures.length === 0) printFailure(`${suite}: ${file.name}`, file.message)
    for (const test of failures) {
      const message = test.failureMessages.join('\n').split('\n').slice(0, linesOfMessage).join('\n')
      printFailure(`${suite}: ${file.name} > ${test.fullName}`, message)
    }
  }
}

slow.sort((one, other) => other.seconds - one.seconds)
for (const { name, seconds } of slow.slice(0, 20)) console.log(`${seconds.toFixed(0)} s ${name}`)
for (const name of names) console.log(`FAILED ${name}`)
console.log(`${passed} passed, ${failed} failed`)

function printFailure(name, message) {
  names.push(name)
  console.log(`${name}\n${message}`)
}
