# SPDX-License-Identifier: MIT
# Completion for PowerShell 5.1 or later. penstock itself knows the words.

Register-ArgumentCompleter -Native -CommandName penstock, penstock.exe -ScriptBlock {
    param($current, $line, $cursor)

    # The words before the one at the cursor, without quotes, and then that one.
    $words = @($line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    $program = $words[0]
    $words = @($words | Select-Object -Skip 1) + @("$current".Trim('"', "'"))

    # Before 7.3, words go to a program unquoted: an empty one not at all, and quotes within get lost.
    if ("$PSNativeCommandArgumentPassing" -in '', 'Legacy') {
        $words = @($words | ForEach-Object { if ($_ -eq '') { '""' } else { $_ -replace '"', '\"' } })
    }

    $encoding = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
        $lines = @(& $program completion words '--' $words 2>$null)
    } finally {
        [Console]::OutputEncoding = $encoding
    }

    # The first line says what else there may be. Where nothing comes from here, PowerShell offers files by itself.
    $lines | Select-Object -Skip 1 | ForEach-Object {
        $word, $meaning = $_ -split "`t", 2
        $text = $word
        if ($text -match '[^-\w.:/\\=+]') { $text = "'" + ($text -replace "'", "''") + "'" }
        if (-not $meaning) { $meaning = $word }
        New-Object System.Management.Automation.CompletionResult $text, $word, 'ParameterValue', $meaning
    }
}
