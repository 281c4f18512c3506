// The language of test scripts.
#include "frontend/test_script.h"

#include <gtest/gtest.h>

#include "frontend/usage_error.h"

namespace orrery::frontend {
namespace {

Script parse(std::string_view text, const std::map<std::string, std::string>& variables = {}) {
  return parse_script("folder/boot.test", text, variables);
}

template <class T> T only(std::string_view text) {
  const Script script = parse(text);
  EXPECT_EQ(script.commands.size(), 1u) << text;
  return std::get<T>(script.commands.at(0).what);
}

template <class T> T condition(const std::string& text) {
  return std::get<T>(only<ExpectCommand>("expect " + text).condition.what);
}

std::string error_of(std::string_view text) {
  try {
    parse(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Pattern, TooLongAnExpressionIsRefused) {
  EXPECT_NO_THROW(Pattern::regex(std::string(1000, '(') + std::string(1000, ')'), false));
  EXPECT_THROW(Pattern::regex(std::string(100'000, '(') + std::string(100'000, ')'), false), UsageError);
}

TEST(TestScript, TheExampleOfTheReadmeIsUnderstood) {
  const Script script = parse(R"(# boots DOS
machine -m 16 -fda "dos.img"   # a comment
wait text "A:\>" 30s; type "dir\n"
expect text /bytes free/
assert mem 0040:0049 == 3
assert png golden.png
exit 0
)");
  ASSERT_EQ(script.commands.size(), 7u);
  EXPECT_EQ(script.commands[0].line, 2u);
  EXPECT_EQ(std::get<MachineCommand>(script.commands[0].what).words,
            (std::vector<std::string>{"-m", "16", "-fda", "dos.img"}));
  EXPECT_EQ(script.commands[1].spelling, "wait text \"A:\\>\" 30s");
  EXPECT_EQ(script.commands[2].line, 3u);
  EXPECT_EQ(script.name(), "boot");
  EXPECT_EQ(script.folder, "folder");
}

TEST(TestScript, WaitTakesConditionsAndATimeout) {
  const WaitCommand wait = only<WaitCommand>("wait text \"a\" or serial 1 /b+/i or poweroff 2m");
  ASSERT_EQ(wait.any.size(), 3u);
  EXPECT_EQ(wait.timeout_ns, 120'000'000'000u);
  EXPECT_EQ(wait.any[0].spelling, "text \"a\"");
  EXPECT_EQ(std::get<StreamCondition>(wait.any[1].what).stream, 1u);
  EXPECT_EQ(std::get<EndCondition>(wait.any[2].what).reason, machine::StopReason::PowerOff);
  EXPECT_EQ(only<WaitCommand>("wait debugcon \"x\"").timeout_ns, std::nullopt);
}

TEST(TestScript, StringsKnowEscapesAndKeepOtherBackslashes) {
  EXPECT_EQ(only<SendCommand>(R"(send "a\n\r\t\x41\"\\C:\>")").bytes,
            (std::vector<u8>{'a', '\n', '\r', '\t', 'A', '"', '\\', 'C', ':', '\\', '>'}));
  EXPECT_EQ(only<SendCommand>("send 2 \"x\"").port, 2);
}

TEST(TestScript, MemoryIsNamedInAllWays) {
  const auto bda = condition<MemoryCondition>("mem 0040:0049 == 3");
  EXPECT_EQ(bda.address, 0x449u);
  EXPECT_EQ(bda.width, 1u);
  const auto masked = condition<MemoryCondition>("mem word 0x417 & 0x20 != 0");
  EXPECT_EQ(masked.width, 2u);
  EXPECT_EQ(masked.mask, 0x20u);
  EXPECT_EQ(masked.relation, Relation::NotEqual);
  const auto linear = condition<MemoryCondition>("mem linear 0xc0000000 dword >= 7");
  EXPECT_TRUE(linear.linear);
  EXPECT_EQ(linear.width, 4u);
  EXPECT_EQ(condition<MemoryCondition>("mem 0x7c00 == \"\\x55\\xaa\"").bytes, (std::vector<u8>{0x55, 0xaa}));
}

TEST(TestScript, PicturesAreNamedWithTolerances) {
  const auto shot = condition<ScreenshotCondition>("screenshot a.png tolerance 3 differ 10 area 1 2 30 40");
  EXPECT_EQ(shot.path, "folder/a.png");
  EXPECT_EQ(shot.tolerance, 3u);
  EXPECT_EQ(shot.differ, 10u);
  EXPECT_EQ(shot.area.height, 40u);
  const auto pixel = condition<PixelCondition>("pixel 5 6 0aFf10");
  EXPECT_EQ(pixel.rgb, 0x0aff10u);
  EXPECT_EQ(condition<ModeCondition>("mode 320x200").height, 200u);
  EXPECT_EQ(condition<PictureHashCondition>("picture 00000000deadbeef").hash, 0xdeadbeefu);
}

TEST(TestScript, KeysAndMouseAreUnderstood) {
  EXPECT_EQ(only<TypeCommand>("key ctrl-alt-del F1").keys.size(), 8u);
  EXPECT_EQ(only<TypeCommand>("type \"ab\"").keys.size(), 4u);
  EXPECT_EQ(only<MoveCommand>("mouse move -10 20").dx, -10);
  EXPECT_EQ(only<ClickCommand>("click").buttons, 1);
  EXPECT_EQ(only<ClickCommand>("doubleclick right").times, 2u);
  EXPECT_EQ(only<WheelCommand>("mouse wheel -3").notches, -3);
  EXPECT_TRUE(only<PressCommand>("press shift").down);
}

TEST(TestScript, MediaAreChanged) {
  const InsertCommand insert = only<InsertCommand>("insert fda \"b.img\" readonly");
  EXPECT_EQ(insert.drive, (machine::DriveId{machine::Interface::Floppy, 0}));
  EXPECT_EQ(insert.path, "folder/b.img");
  EXPECT_TRUE(insert.readonly);
  const auto eject = std::get<machine::EjectMedium>(only<InputCommand>("eject cdrom force").input);
  EXPECT_TRUE(eject.force);
}

TEST(TestScript, VariablesComeFromTheCommandLineBeforeTheScript) {
  const Script script = parse("set DIR here\nmachine -fda ${DIR}/x.img", {{"DIR", "there"}});
  EXPECT_EQ(std::get<MachineCommand>(script.commands.at(0).what).words[1], "there/x.img");
  const Script own = parse("set DIR here; machine -fda ${DIR}/x.img");
  EXPECT_EQ(std::get<MachineCommand>(own.commands.at(0).what).words[1], "here/x.img");
}

TEST(TestScript, MistakesNameTheirLineAndTheFix) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"\nwiat text \"a\"", "folder/boot.test:2: unknown command 'wiat': did you mean 'wait'?"},
      {"wait txt \"a\"", "'txt' cannot be looked at: did you mean 'text'"},
      {"wait text a", "'a' is neither \"text\" nor /regex/"},
      {"wait text \"a", "close it with \""},
      {"wait text /a", "close it with /"},
      {"wait text /(/", "is no regular expression"},
      {"wait text \"\"", "an empty text is everywhere"},
      {"wait text \"a\" soon", "'soon' is no time"},
      {"wait text \"a\" 3s more", "'more' is too much here"},
      {"type", "what to type is missing"},
      {"type \"{foo}\"", "there is no key 'foo'"},
      {"key entre", "there is no key 'entre': did you mean 'enter'"},
      {"expect mem 0x10 = = 3", "is no number"},
      {"expect mem zzz == 3", "is no address"},
      {"expect mem 0x10 ~ 3", "compares nothing"},
      {"expect reg eex == 3", "there is no register 'eex'"},
      {"expect pixel 1 2 red", "hexadecimal digits"},
      {"expect mode big", "is no mode"},
      {"send 4 \"x\"", "is no number from 0 to 3"},
      {"send \"\\xq\"", "two hexadecimal digits"},
      {"insert z: x", "there is no drive 'z:'"},
      {"machine -m ${NOT_SET_ANYWHERE}", "give --set NOT_SET_ANYWHERE=VALUE"},
      {"mouse jump", "a mouse cannot 'jump'"},
      {"run to hill", "run to tick N"},
      {"exit 256", "is no number from 0 to 255"},
      {"print nonsense", "cannot be printed"},
      {"expect hash 12345678901234567", "hexadecimal digits"},
  };
  for (const auto& [text, expected] : table) {
    const std::string error = error_of(text);
    EXPECT_NE(error.find(expected), std::string::npos) << "expected '" << expected << "' in '" << error << "'";
    EXPECT_TRUE(error.starts_with("folder/boot.test:")) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

TEST(Pattern, PlainTextIsFoundFromAPosition) {
  const Pattern p = Pattern::plain("ab");
  EXPECT_EQ(p.find("xxabab"), 4u);
  EXPECT_EQ(p.find("xxabab", 4), 6u);
  EXPECT_EQ(p.find("xxabab", 5), std::nullopt);
  EXPECT_EQ(p.find("", 0), std::nullopt);
}

TEST(Pattern, RegularExpressionsWorkLineByLine) {
  EXPECT_EQ(Pattern::regex("^b.$", false).find("aaa\nbcd\nbc\n"), 10u);
  EXPECT_EQ(Pattern::regex("BYTES", true).find("12 bytes free"), 8u);
  EXPECT_EQ(Pattern::regex("a.*b", false).find("a\nb"), std::nullopt);
  // A guest may write lines of any length.
  EXPECT_EQ(Pattern::regex("(a|b)*c", false).find(std::string(10'000, 'a')), std::nullopt);
}

TEST(Pattern, HugeCountsInRegularExpressionsAreRefused) {
  for (const char* expression : {"a{50600228229401320530}", "a{1,50600228229401320530}", "(a)\\50600228229401320530"}) {
    EXPECT_THROW(Pattern::regex(expression, false), UsageError) << expression;
  }
  EXPECT_EQ(Pattern::regex("a{2,3}12345678901234567890", false).find("aa12345678901234567890"), 22u);
  EXPECT_EQ(Pattern::regex("\\{12345", false).find("{12345"), 6u);
}

TEST(Pattern, ASearchGoesOnWhereTheTextHadEnded) {
  const Pattern plain = Pattern::plain("abc");
  EXPECT_EQ(plain.resume("xxxab", 0), 3u);
  EXPECT_EQ(plain.resume("", 0), 0u);
  EXPECT_EQ(plain.resume("xxxab", 4), 4u);
  EXPECT_EQ(plain.find("xxxabc", plain.resume("xxxab", 0)), 6u);
  const Pattern regex = Pattern::regex("ab+$", false);
  EXPECT_EQ(regex.resume("one\ntwo\na", 0), 8u);
  EXPECT_EQ(regex.resume("one\n", 0), 4u);
  EXPECT_EQ(regex.find("one\ntwo\nabb", regex.resume("one\ntwo\na", 0)), 11u);
}

TEST(Relation, ComparesUnsigned) {
  EXPECT_TRUE(holds(Relation::Less, 1, 2));
  EXPECT_FALSE(holds(Relation::Less, ~u64{0}, 2));
  EXPECT_TRUE(holds(Relation::GreaterEqual, 2, 2));
  EXPECT_TRUE(holds(Relation::NotEqual, 1, 2));
}

}  // namespace
}  // namespace orrery::frontend
