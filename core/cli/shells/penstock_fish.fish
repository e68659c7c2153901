# SPDX-License-Identifier: MIT
# Completion for fish. penstock itself knows the words.

function __penstock_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # Quotes that are still open.
    set -l plain (string replace -a -r '["\'\\\\]' '' -- $current)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l lines ($program completion words -- $words[2..-1] "$plain" 2>/dev/null)
    if set -q lines[2]
        printf '%s\n' $lines[2..-1]
    end
    set -l front (string match -r '^--[a-z-]+=' -- $current)
    set -l value (string replace -r '^--[a-z-]+=' '' -- $current)
    # Of the command '' fish knows nothing, and offers files.
    switch "$lines[1]"
        case files
            string replace -r -- '^' "$front" (complete -C "'' $value")
        case folders
            string replace -r -- '^' "$front" (complete -C "'' $value" | string match -r '.*/(?:\t.*)?$')
    end
end

complete -c penstock -f -a '(__penstock_complete)'
