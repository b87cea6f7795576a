import type { CompletionPlace, CompletionWord } from './completion-words.js'

/** Returns the completion script for zsh. */
export function zshScript(places: readonly CompletionPlace[]): string {
  const cases = places.map(({ path, isLeaf, words }) => {
    const pattern = isLeaf ? `"${path}"|"${path} "*` : `"${path}"`
    return `    (${pattern}) found=(${words.map(entry).join(' ')}) ;;`
  })
  return `#compdef latchkey
# Completion of latchkey for zsh. Load it with: source <(latchkey completion zsh)
_latchkey() {
  local typed="" word
  local -a found
  for word in \${words[2,CURRENT-1]}; do
    [[ "$word" == -* ]] || typed+="\${typed:+ }$word"
  done
  case "$typed" in
${cases.join('\n')}
  esac
  _describe latchkey found || _files
}
if [[ "\${funcstack[1]}" == _latchkey ]]; then _latchkey "$@"; else compdef _latchkey latchkey; fi
`
}

function entry({ text, description }: CompletionWord): string {
  return `'${text.replaceAll(':', '\\:')}:${description.replaceAll("'", "'\\''")}'`
}
