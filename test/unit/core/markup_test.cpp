#include "core/markup.hpp"

#include <gtest/gtest.h>

namespace kpi {

TEST(Markup, EntitiesBetweenTagsAndInAttributes) {
    EXPECT_EQ(markup_escaped("<!channel> & \"x\""), "&lt;!channel&gt; &amp; \"x\"");
    EXPECT_EQ(attribute_escaped("\" onclick='a<b>&"), "&quot; onclick=&#39;a&lt;b&gt;&amp;");
    EXPECT_EQ(attribute_escaped("México 日本"), "México 日本");
}

}  // namespace kpi
