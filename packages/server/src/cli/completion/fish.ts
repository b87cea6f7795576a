import type { CompletionPlace, CompletionWord } from './completion-words.js'

/** Returns the completion script for fish. */
export function fishScript(places: readonly CompletionPlace[]): string {
  const lines = places.flatMap(({ path, isLeaf, words }) => {
    const condition = quote(`${isLeaf ? '__latchkey_below' : '__latchkey_at'} ${quote(path)}`)
    // Files are arguments of some commands only, never the name of a command.
    const files = isLeaf ? '' : ' -f'
    return words.map((word) => `complete -c latchkey${files} -n ${condition} ${candidate(word)}`)
  })
  return `# Completion of latchkey for fish. Load it with: latchkey completion fish | source
function __latchkey_path
  set -l typed
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; or set -a typed $word
  end
  string join ' ' -- $typed
end
function __latchkey_at
  test "$(__latchkey_path)" = "$argv"
end
function __latchkey_below
  string match -q -- "$argv *" "$(__latchkey_path) "
end
${lines.join('\n')}
`
}

function candidate({ text, description }: CompletionWord): string {
  const what = text.startsWith('--') ? `-l ${text.slice(2)}` : `-a ${text}`
  return `${what} -d ${quote(description)}`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
