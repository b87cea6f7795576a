import type { CompletionPlace } from './completion-words.js'

/** Returns the completion script for bash. */
export function bashScript(places: readonly CompletionPlace[]): string {
  const cases = places.map(({ path, isLeaf, words }) => {
    const pattern = isLeaf ? `"${path}" | "${path} "*` : `"${path}"`
    return `    ${pattern}) words="${words.map(({ text }) => text).join(' ')}" ;;`
  })
  return `# Completion of latchkey for bash. Load it with: source <(latchkey completion bash)
_latchkey() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ "$word" == -* ]] || path+="\${path:+ }$word"
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _latchkey latchkey
`
}
