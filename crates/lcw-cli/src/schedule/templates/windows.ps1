# C:\ProgramData\lcw\@@name@@.ps1: one export, started by the task @@name@@.
#
# Secrets are not here: the pipeline file names the file that holds the secret (client_secret_file);
# let nobody but the task's account read it:  icacls client-secret /inheritance:r /grant "*S-1-5-19:R"
$logs = 'C:\ProgramData\lcw\logs'
$alert = '@@alert@@'
$null = New-Item -ItemType Directory -Force -Path $logs

$export = @{
    FilePath               = '@@program@@'
    ArgumentList           = '@@words_quoted@@'
    RedirectStandardOutput = "$logs\@@name@@.last.json"
    RedirectStandardError  = "$logs\@@name@@.last.log"
}
$code = (Start-Process @export -NoNewWindow -Wait -PassThru).ExitCode
foreach ($kind in 'json', 'log') {
    $last = Get-Content -Raw -Encoding UTF8 "$logs\@@name@@.last.$kind"
    if ($last) { Add-Content -Encoding UTF8 "$logs\@@name@@.$kind" $last.TrimEnd() }
}

# 75: another export is at work, lcw locks its dataset by itself. 130: stopped, the next one continues.
if ($code -in 0, 75, 130) { exit 0 }
$why = switch ($code) {
    2 { 'the command line, pipeline file or folder is wrong' }
    3 { 'no credentials, or a permission is missing' }
    4 { 'partial: some could not be fetched' }
    5 { 'committed, but not proven complete, or days were lost' }
    7 { 'not done by the deadline' }
    default { 'failed' }
}
if (Test-Path -LiteralPath $alert) { & $alert $code "@@name@@: $why" }
exit $code
