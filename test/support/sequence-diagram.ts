const participant = /^participant (\w+)(?: as [\w ]+)?$/
const message = /^(\w+)(?:-{1,2}>>|-{1,2}\)|-{1,2}x)(\w+): [^;#]+$/
const note = /^Note over (\w+)(?:,(\w+))?: [^;#]+$/

/**
 * Returns the lines of a Mermaid sequence diagram that are not in the forms used here: participants
 * that are declared first, messages with a text, and notes.
 */
export function sequenceProblems(diagram: string): readonly string[] {
  const [head, ...lines] = diagram.trim().split('\n')
  const declared = lines.flatMap((line) => participant.exec(line.trim())?.[1] ?? [])
  const isSound = (line: string) => {
    if (participant.test(line)) return true
    const [, from, to = from] = message.exec(line) ?? note.exec(line) ?? []
    return from !== undefined && to !== undefined && declared.includes(from) && declared.includes(to)
  }
  const problems = lines.filter((line) => !isSound(line.trim()))
  if (head?.trim() !== 'sequenceDiagram') problems.push(head ?? '')
  if (declared.length === 0) problems.push('There is no participant.')
  return problems
}
